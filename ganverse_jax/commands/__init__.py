"""What a person runs besides training: a folder per file of launch/."""
