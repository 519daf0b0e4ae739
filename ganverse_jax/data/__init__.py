"""Pictures, masks and multi-view sets from anywhere, as arrays, and batches of them."""
