"""Thin command lines: python -m launch.<name>."""
