"""Other harnesses put to a model of ours: it is served on a port of this machine, they ask it, and their results are imported."""
