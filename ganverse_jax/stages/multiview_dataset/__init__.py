"""Stage multiview_dataset: contents drawn in every chosen view, masked, filtered and stored."""
