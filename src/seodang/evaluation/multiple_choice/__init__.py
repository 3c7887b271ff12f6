"""Questions with choices: where they come from, how they are put, and which choice a reply names."""
