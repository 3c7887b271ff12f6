"""Generators, one a file: what the teacher writes from passages. Each names its unit of work, so that a killed build resumes."""
