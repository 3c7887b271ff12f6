"""Proof: tasks and their items, a model's answers to them, paired comparisons, the gate, the report."""
