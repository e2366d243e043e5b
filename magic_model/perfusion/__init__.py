"""Perfusion maps from a CT perfusion series: curves, deconvolution, maps, a report."""
