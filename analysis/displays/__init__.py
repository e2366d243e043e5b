"""Several pictures at once: preference, ranking and forced choice."""

from analysis.displays.forced_choice import (
    ForcedChoice,
    d_prime_of,
    forced_choice,
    share_correct_of,
)
from analysis.displays.worth import Preferences, Worths, fit_worths

__all__ = [
    "ForcedChoice",
    "Preferences",
    "Worths",
    "d_prime_of",
    "fit_worths",
    "forced_choice",
    "share_correct_of",
]
