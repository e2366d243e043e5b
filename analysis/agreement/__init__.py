"""Agreement statistics on one contingency table, or on ratings of many raters."""

from analysis.agreement.chance_corrected import (
    brennan_prediger,
    cohen_kappa,
    gwet_ac,
    maximum_kappa,
    scott_pi,
)
from analysis.agreement.intraclass import intraclass_correlation
from analysis.agreement.krippendorff import krippendorff_alpha
from analysis.agreement.percent import percent_agreement, skew_indices

__all__ = [
    "brennan_prediger",
    "cohen_kappa",
    "gwet_ac",
    "intraclass_correlation",
    "krippendorff_alpha",
    "maximum_kappa",
    "percent_agreement",
    "scott_pi",
    "skew_indices",
]
