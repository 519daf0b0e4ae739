"""Real pictures for a GAN: from folders, zips, LSUN, tensorflow-datasets or a world."""
