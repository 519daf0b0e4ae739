"""The loop: rounds of GAN and inverse graphics, each learning from the one before, and one table of all."""
