"""What the codes of a GAN hold: pose, shape, texture and background, by view and by content."""
