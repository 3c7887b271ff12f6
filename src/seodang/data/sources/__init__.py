"""Sources of documents: what kinds of files there are, how they become text, and where every character of it stood in the original."""
