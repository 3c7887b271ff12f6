"""The parts of a remote teacher: address, key, pace, budget, requests, preflight, scoring and the model itself."""
