"""The conformance kit: what a backend claims, proven level by level."""
