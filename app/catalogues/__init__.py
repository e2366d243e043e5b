"""Catalogues of the words of the reading room, a language each."""
