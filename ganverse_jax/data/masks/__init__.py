"""Masks that other tools made, and the paper's filter by a mask's pieces."""
