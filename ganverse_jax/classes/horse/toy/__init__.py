"""The toy world of horses."""
