"""Networks, how they are stored, and what they predict."""
