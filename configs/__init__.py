"""One ConfigDict function per experiment."""
