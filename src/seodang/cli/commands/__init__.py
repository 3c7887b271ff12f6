"""Commands, one a file, found by their file's name. Each module exposes a click command as `command`."""
