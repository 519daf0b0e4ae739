"""View dimensions in place of view layers, for any generator: ranked by poses, measured, stored with it."""
