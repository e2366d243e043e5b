"""Question 2, diagnostic quality: is the test method as acceptable as the reference?"""

from analysis.acceptability.acceptance import (
    Acceptance,
    acceptable_difference,
    acceptance_of,
)
from analysis.acceptability.clustered_mcnemar import clustered_mcnemar
from analysis.acceptability.non_inferiority import NonInferiority, non_inferiority
from analysis.acceptability.paired_proportions import newcombe_interval, tango_interval

__all__ = [
    "Acceptance",
    "NonInferiority",
    "acceptable_difference",
    "acceptance_of",
    "clustered_mcnemar",
    "newcombe_interval",
    "non_inferiority",
    "tango_interval",
]
