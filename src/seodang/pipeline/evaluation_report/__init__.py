"""The report of several models on several tasks: one value made of evaluations, and a page and a text that are pure functions of it."""
