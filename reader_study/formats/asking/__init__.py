"""What is asked: a question of any type, when it is asked, and its valid answers."""
