"""Question 1, the visual Turing test: are synthetic pictures told from real ones?"""

from analysis.turing.detection import (
    Detection,
    mean_detection,
    pooled_detection,
    reader_detections,
)
from analysis.turing.equivalence import Equivalence, equivalence_to_chance
from analysis.turing.guesses import Guess, Guesses, guessed_numbers
from analysis.turing.judgements import Judgements, judgements_of
from analysis.turing.leakage import Leakage, complement_leakage
from analysis.turing.trial_effect import trial_effect

__all__ = [
    "Detection",
    "Equivalence",
    "Guess",
    "Guesses",
    "Judgements",
    "Leakage",
    "complement_leakage",
    "equivalence_to_chance",
    "guessed_numbers",
    "judgements_of",
    "mean_detection",
    "pooled_detection",
    "reader_detections",
    "trial_effect",
]
