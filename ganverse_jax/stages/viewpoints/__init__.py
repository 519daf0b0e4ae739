"""Stage viewpoints: view codes chosen, each with its rough camera."""
