"""Intervals and paired tests: pure functions on sequences and arrays."""
