"""The Berkeley Function Calling Leaderboard, version 4: its tasks and its tools with state, out of the package bfcl-eval."""
