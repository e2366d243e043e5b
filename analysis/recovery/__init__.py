"""Tables recovered from what a paper prints of them."""
