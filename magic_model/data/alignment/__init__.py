"""What registration and the check of overlap are made of."""
