"""A reader at work: sign-in to signed trial."""
