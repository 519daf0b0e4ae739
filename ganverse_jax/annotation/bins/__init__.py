"""The question of azimuth bins: which of the twelve a view shows, or that it shows none."""
