"""Networks that look at pictures: segmenters and the pose regressor."""
