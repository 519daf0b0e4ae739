"""Stage self_labels: cameras of real pictures by the first round's networks, and one that learns them."""
