"""What the losses are compared with and was not made by them: other projects' functions, plain float64, made tasks with a known truth."""
