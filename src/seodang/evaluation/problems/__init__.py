"""Mathematical problems that are made, each with its exact answer: our own in Korean, those of reasoning-gym in English."""
