"""Pickles and archives read as inert data."""
