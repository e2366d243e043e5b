"""Several pictures at once: what is shown, and what was chosen of it."""
