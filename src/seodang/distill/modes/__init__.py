"""Where lessons come from while a student is trained: a cache, a live teacher, or the student's own answers."""
