"""What readers answered, kept with a log that shows every change: the only SQL."""
