"""The figures of an evaluation: box plots, sample panels, lesion volumes."""

from magic_model.evaluation.figures.plots import draw_figures

__all__ = ["draw_figures"]
