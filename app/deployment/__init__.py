"""Files that put the reading room behind nginx and under systemd."""
