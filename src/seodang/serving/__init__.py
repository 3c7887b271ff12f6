"""A model behind an OpenAI-compatible HTTP interface, with a small chat page."""
