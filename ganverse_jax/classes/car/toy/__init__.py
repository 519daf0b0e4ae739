"""The toy cars: bodies and surroundings made of formulas, drawn with cameras and meshes known exactly."""
