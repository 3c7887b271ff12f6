"""Measurements of a machine: memory, products, attention, collectives, and slices of the full model."""
