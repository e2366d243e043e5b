"""What an interval cannot tell, and what makes it less certain than it looks."""

from analysis.agreement.chance_corrected import ALL_AGREE, constant_method
from analysis.multireader.clusters import Clusters
from analysis.multireader.estimate import Variance
from analysis.multireader.pairs import Pairs

MANY_CASES = 15
MANY_READERS = 5
ONE_ANSWER_TAKES_ALL = 0.9
ONE_ANSWER = (
    "both methods always drew the same one answer, so chance alone already gives "
    "perfect agreement"
)
READERS_VARY = frozenset(
    {"crossed", "crossed_conservative", "crossed_unbiased", "pigeonhole"}
)


def few_clusters(clusters: Clusters, variance: Variance) -> tuple[str, ...]:
    """Say in words where there are few readers or few cases."""
    if variance == "independent":
        alone = (
            "pairs of one reader or case are taken as independent, which they are not"
        )
        several = clusters.n > max(clusters.n_readers, clusters.n_cases)
        return (f"{alone}; the interval is too narrow",) if several else ()
    cautions = []
    if clusters.n_cases < MANY_CASES:
        cautions.append(
            f"there are few cases ({clusters.n_cases}), so the interval may cover less "
            "often than it says"
        )
    if variance in READERS_VARY:
        if clusters.n_readers == 1:
            cautions.append("there is one reader, so nothing is known about others")
        elif clusters.n_readers < MANY_READERS:
            cautions.append(
                f"there are few readers ({clusters.n_readers}), so how much readers "
                "differ is hardly known"
            )
    return tuple(cautions)


def why_undefined(pairs: Pairs, *, chance_from_margins: bool) -> str | None:
    """Say why an agreement coefficient, or its error, carries no information.

    Args:
        pairs: The pairs.
        chance_from_margins: The coefficient expects by chance what the product of both
            methods' totals gives, as kappa does.
    """
    table = pairs.table
    if not pairs.n:
        return None
    if chance_from_margins and len({*pairs.reference, *pairs.test}) == 1:
        return ONE_ANSWER
    if table.n_agree == table.n:
        return ALL_AGREE
    return constant_method(table) if chance_from_margins else None


def skewed_margins(pairs: Pairs) -> tuple[str, ...]:
    """Say in words where one answer takes nearly all, under either method."""
    table = pairs.table
    sides = (("reference", table.row_totals), ("test", table.column_totals))
    return tuple(
        f"{totals.max()} of {pairs.n} answers of the {method} method are "
        f"{table.categories[int(totals.argmax())]}: the others are too rare for the "
        "interval to be trusted"
        for method, totals in sides
        if pairs.n and totals.max() >= ONE_ANSWER_TAKES_ALL * pairs.n
    )
