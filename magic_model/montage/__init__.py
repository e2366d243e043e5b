"""Montages for readers: one picture per patient and method."""
