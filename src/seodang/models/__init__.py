"""Chat models: what a teacher, a student and a remote endpoint have in common, and each of their kinds."""
