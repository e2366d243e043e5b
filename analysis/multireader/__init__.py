"""Agreement of two methods when many readers read the same cases under both."""

from analysis.multireader.bootstrap import Bootstrap
from analysis.multireader.estimate import ClusteredEstimate, Variance
from analysis.multireader.homogeneity import HomogeneityTest, homogeneity
from analysis.multireader.influence import Coefficient
from analysis.multireader.kappa import (
    clustered,
    clustered_ac1,
    clustered_agreement,
    clustered_kappa,
)
from analysis.multireader.pairs import Pairs
from analysis.multireader.per_reader import (
    ReaderAgreement,
    leave_one_reader_out,
    per_class,
    per_reader,
)
from analysis.multireader.variance import from_influence, mean_of

__all__ = [
    "Bootstrap",
    "ClusteredEstimate",
    "Coefficient",
    "HomogeneityTest",
    "Pairs",
    "ReaderAgreement",
    "Variance",
    "clustered",
    "clustered_ac1",
    "clustered_agreement",
    "clustered_kappa",
    "from_influence",
    "homogeneity",
    "leave_one_reader_out",
    "mean_of",
    "per_class",
    "per_reader",
]
