"""From an NCCT as it comes from the scanner to perfusion maps."""
