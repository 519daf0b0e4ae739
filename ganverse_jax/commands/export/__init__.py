"""`launch.export`: trained networks as folders that need nothing of this project."""
