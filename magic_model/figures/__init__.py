"""Figures of the paper drawn anew: information ratio (5) and resolution (6)."""
