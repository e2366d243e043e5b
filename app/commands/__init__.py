"""What the commands of `magic-app` do; they give texts, `app.cli` prints them."""
