"""Training: batches, steps, checkpoints, validation and the run that joins them."""
