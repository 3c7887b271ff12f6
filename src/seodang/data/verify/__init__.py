"""Checks, one a file. Each says pass or fail about every record it is shown, with its evidence, and changes nothing."""
