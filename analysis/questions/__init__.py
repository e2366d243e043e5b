"""The four questions of the study, and whether readers agree with one another."""
