"""Multi-view sets: images, masks and rough cameras of objects, in memory, on disk or posed by the user."""
