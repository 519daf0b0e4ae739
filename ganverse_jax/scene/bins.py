"""The 12 azimuth bins that a person chooses among (section 3.1, arXiv:2010.09125)."""

import math

NUM_AZIMUTH_BINS = 12


def nearest_azimuth_bin(azimuth: float) -> int:
    """The bin whose centre, a multiple of 30 degrees, is nearest to the azimuth (radians)."""
    return round(float(azimuth) / (2 * math.pi / NUM_AZIMUTH_BINS)) % NUM_AZIMUTH_BINS
