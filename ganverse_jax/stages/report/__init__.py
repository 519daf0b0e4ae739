"""Stage report: what all other stages left, as one page."""
