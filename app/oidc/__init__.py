"""Sign-in with a hospital's own accounts, by OpenID Connect; off unless asked for."""
