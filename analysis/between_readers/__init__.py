"""Is synthetic imaging read as consistently as real imaging?"""

from analysis.between_readers.coefficients import COEFFICIENTS, Coefficient
from analysis.between_readers.consistency import (
    ConsistencyVariance,
    consistency,
    consistency_difference,
)
from analysis.between_readers.ratings import MethodRatings, method_ratings

__all__ = [
    "COEFFICIENTS",
    "Coefficient",
    "ConsistencyVariance",
    "MethodRatings",
    "consistency",
    "consistency_difference",
    "method_ratings",
]
