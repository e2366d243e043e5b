"""Perfusion maps from non-contrast head CT: training, generation, montages."""
