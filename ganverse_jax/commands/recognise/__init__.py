"""launch.recognise: the network that tells a world's photos from others."""
