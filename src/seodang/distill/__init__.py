"""Teaching: a teacher's targets, losses, students, and the training loop."""
