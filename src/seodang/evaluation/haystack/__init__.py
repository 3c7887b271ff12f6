"""Facts that are made up and hidden in a real document."""
