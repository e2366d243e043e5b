"""Blinded two-trial reader studies: design, sealing, answers, unblinding."""
