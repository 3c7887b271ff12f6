"""Exams: their items, a model's answers to them, and what the answers say about it."""
