"""One file per version of the tables; a file once released never changes."""
