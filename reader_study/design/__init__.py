"""What chance decides about a study: cases, order, allocation, names."""
