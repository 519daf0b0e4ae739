"""Losses: pure functions that return unweighted scalars."""
