"""The tasks that ship, one a file, each with a value `task`."""
