"""Training data from documents: sources, passages, generators, checks, and a decision about every record."""
