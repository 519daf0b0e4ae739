"""Ablations on the toy world: trainings without one term each, and their table."""
