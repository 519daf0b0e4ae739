"""Stage inverse_graphics: the network and the views' cameras trained on the multi-view set."""
