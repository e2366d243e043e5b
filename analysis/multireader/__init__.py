"""Agreement of two methods when many readers read the same cases under both."""

from analysis.multireader.by_reader import (
    ReaderAgreement,
    leave_one_reader_out,
    per_class,
    per_reader,
)
from analysis.multireader.clusters import Bootstrap
from analysis.multireader.estimate import (
    ClusteredEstimate,
    Variance,
    from_influence,
    mean_of,
)
from analysis.multireader.homogeneity import HomogeneityTest, homogeneity
from analysis.multireader.kappa import (
    Coefficient,
    clustered_ac1,
    clustered_agreement,
    clustered_kappa,
    with_clustered_error,
)
from analysis.multireader.pairs import Pairs
from analysis.multireader.score import ScoreEstimate, proportion_of

__all__ = [
    "Bootstrap",
    "ClusteredEstimate",
    "Coefficient",
    "HomogeneityTest",
    "Pairs",
    "ReaderAgreement",
    "ScoreEstimate",
    "Variance",
    "clustered_ac1",
    "clustered_agreement",
    "clustered_kappa",
    "from_influence",
    "homogeneity",
    "leave_one_reader_out",
    "mean_of",
    "per_class",
    "per_reader",
    "proportion_of",
    "with_clustered_error",
]
