"""Recipes that are shipped, and the reading of these and of one's own."""
