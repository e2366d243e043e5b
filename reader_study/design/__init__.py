"""Design of a study, drawn by chance: cases, order, allocation, names."""
