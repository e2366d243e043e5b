"""p-values of several tests that share one error, by Holm's step-down method."""

import math
from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values that can be compared with the error of the whole family.

    Args:
        p_values: 0 to 1; NaN of what cannot be tested, which is one of them all the
            same and stays NaN.

    References:
        Holm S. Scand J Stat 1979;6:65.

    Examples:
        >>> holm([0.25, 0.01, float("nan")])
        [0.5, 0.03, nan]
    """
    adjusted, least = [math.nan] * len(p_values), 0.0
    by_size = sorted(
        range(len(p_values)), key=lambda i: (math.isnan(p_values[i]), p_values[i])
    )
    for rank, i in enumerate(by_size):
        if math.isnan(p_values[i]):
            break
        least = max(least, min(1.0, (len(p_values) - rank) * float(p_values[i])))
        adjusted[i] = least
    return adjusted
