"""The explorer of the perfusion information ratio, outside of any study."""
