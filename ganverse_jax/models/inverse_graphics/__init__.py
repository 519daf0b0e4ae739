"""The inverse graphics network: a picture becomes a deformed sphere and a texture."""
