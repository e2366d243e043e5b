"""Store of all answers, with a log that shows every change: the only SQL."""
