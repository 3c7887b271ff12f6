"""The teacher's distributions, kept on disk under keys made of everything that determines them."""
