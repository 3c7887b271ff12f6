"""When an answer is right: pure functions on text."""
