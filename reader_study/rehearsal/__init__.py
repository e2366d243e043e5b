"""Rehearsals with simulated readers."""
