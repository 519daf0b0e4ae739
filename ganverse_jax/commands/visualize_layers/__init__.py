"""What each layer of a generator holds, as pictures and as figures."""
