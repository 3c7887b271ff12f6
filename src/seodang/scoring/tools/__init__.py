"""Environments with tools and a state, one a file: calls change the state, and what a tool refuses it says."""
