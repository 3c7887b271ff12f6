"""The telecom domain of τ²-bench: a customer's phone and a provider's tools, and a customer who acts by a script instead of a model."""
