"""What an exam and training data share: an index of the exam, and a scan of the data against it that leaves nothing out."""
