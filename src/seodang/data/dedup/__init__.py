"""Duplicates among texts: folded code points, shingles, MinHash signatures, candidates, exact Jaccard, clusters that do not chain."""
