"""The paper's printed numbers as data, each with its place."""

from analysis.published.data import (
    IncompleteCount,
    PrintedInterval,
    Published,
    RecoveredTable,
    TableOneRow,
    load_published,
    published_pairs,
    reconstructed_responses_path,
    recover_all,
    recover_pooled,
)

__all__ = [
    "IncompleteCount",
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
