"""The paper's printed numbers as data, each with its place."""

from analysis.published.data import (
    IncompletePairs,
    PrintedInterval,
    Published,
    TableOneRow,
    load_published,
    reconstructed_responses_path,
)
from analysis.published.pooled import (
    RecoveredTable,
    published_pairs,
    recover_all,
    recover_pooled,
)

__all__ = [
    "IncompletePairs",
    "PrintedInterval",
    "Published",
    "RecoveredTable",
    "TableOneRow",
    "load_published",
    "published_pairs",
    "reconstructed_responses_path",
    "recover_all",
    "recover_pooled",
]
