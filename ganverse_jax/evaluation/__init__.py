"""Metrics: arrays in, figures out; no workdir."""
