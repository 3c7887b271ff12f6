"""When an answer is right: text, mathematics, code that is run in a sandbox, calls by the state that they leave, JSON."""
