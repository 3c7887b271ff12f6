"""Where the rooms meet: a recipe, its plan of steps, a run that resumes, and its report."""
