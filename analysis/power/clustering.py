"""What it costs that the pairs of one case are alike.

With `m` pairs per case and intraclass correlation `icc` between them, n pairs carry as
much information as n / (1 + (m - 1) icc) independent ones (Kish 1965).
"""


def design_effect(pairs_per_case: float, icc: float) -> float:
    """Factor by which clustering inflates the variance.

    Raises:
        ValueError: If there is less than one pair per case, or icc is not in 0 to 1.
    """
    if pairs_per_case < 1:
        msg = f"Pairs per case must be 1 or more, got {pairs_per_case:g}"
        raise ValueError(msg)
    if not 0 <= icc <= 1:
        msg = f"Intraclass correlation must be between 0 and 1, got {icc:g}"
        raise ValueError(msg)
    return 1 + (pairs_per_case - 1) * icc


def largest_icc(n_pairs: float, n_needed: float, pairs_per_case: float) -> float | None:
    """Largest intraclass correlation at which n pairs still suffice.

    Returns:
        A value from 0 to 1, or None if n pairs do not suffice even if independent.
    """
    if n_pairs < n_needed:
        return None
    if pairs_per_case <= 1:
        return 1.0
    return min(1.0, (n_pairs / n_needed - 1) / (pairs_per_case - 1))
