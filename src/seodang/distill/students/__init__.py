"""Students: how a model is made that is then taught, each way in a file of its own."""
