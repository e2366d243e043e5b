"""From montages to a sealed, blinded study."""
