"""The paper's user study: its page, its inputs, and the tables of its answers."""
