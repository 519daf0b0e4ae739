"""The question of keypoints: where the named points of one object appear in every view."""
