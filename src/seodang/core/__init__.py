"""What every room shares: errors, hashes, artifacts, sections, progress. Imports neither torch nor numpy."""
