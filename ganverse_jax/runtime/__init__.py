"""What any training runs on: loop, data parallelism, checkpoints and files, progress, shipped weights."""
