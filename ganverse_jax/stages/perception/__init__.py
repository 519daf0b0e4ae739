"""Stage perception: where masks come from, and the pose regressor as yardstick."""
