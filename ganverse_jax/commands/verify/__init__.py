"""A run's figures computed again from its networks and data, beside those that it recorded."""
