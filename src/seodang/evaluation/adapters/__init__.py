"""Other harnesses' results read as evaluations of ours, and ours written in their layout."""
