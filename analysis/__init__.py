"""Agreement between two methods that several readers have rated.

One table or two columns of ratings: `cohen_kappa`, `percent_agreement` and their kin.
Readers and cases as samples: `clustered_kappa`. Readers against a truth:
`multireader_accuracy`. A study from its files to a report:
`read_study`. What is not in `__all__` is internal and may change.
"""

from importlib import import_module
from typing import Any

__all__ = [
    "AgreementResult",
    "ArmsStudy",
    "Bootstrap",
    "ChanceCorrectedResult",
    "ClusteredEstimate",
    "ConfidenceInterval",
    "ContingencyTable",
    "DesignAssumptions",
    "DesignGrid",
    "DesignSize",
    "DisplayStudy",
    "FormatError",
    "InputError",
    "IntraclassCorrelation",
    "KnownMargins",
    "LimitsOfAgreement",
    "MultireaderAccuracy",
    "Pairs",
    "PercentAgreement",
    "PowerFigures",
    "PowerTest",
    "ReaderAgreement",
    "Reproduction",
    "SkewIndices",
    "Study",
    "StudySize",
    "TestResult",
    "TooMuchWorkError",
    "__version__",
    "agreement_chart",
    "bangdiwala_b",
    "bowker",
    "brennan_prediger",
    "clustered_ac1",
    "clustered_agreement",
    "clustered_kappa",
    "cohen_kappa",
    "count_tables",
    "design_grid",
    "feasible_tables",
    "gwet_ac",
    "intraclass_correlation",
    "krippendorff_alpha",
    "leave_one_reader_out",
    "limits_of_agreement",
    "maximum_kappa",
    "mcnemar",
    "multireader_accuracy",
    "per_class",
    "per_reader",
    "percent_agreement",
    "power_overview",
    "proportion_interval",
    "read_arms",
    "read_ratings",
    "read_study",
    "reproduce_paper",
    "scott_pi",
    "skew_indices",
    "stuart_maxwell",
    "tables_by_reader",
]

_HOME = {
    "analysis.accuracy": ("MultireaderAccuracy", "multireader_accuracy"),
    "analysis.agreement": (
        "brennan_prediger",
        "cohen_kappa",
        "gwet_ac",
        "intraclass_correlation",
        "krippendorff_alpha",
        "maximum_kappa",
        "percent_agreement",
        "scott_pi",
        "skew_indices",
    ),
    "analysis.agreement.intraclass": ("IntraclassCorrelation",),
    "analysis.agreement.percent": ("PercentAgreement", "SkewIndices"),
    "analysis.agreement.result": ("AgreementResult", "ChanceCorrectedResult"),
    "analysis.api": ("ArmsStudy", "DisplayStudy", "Study", "read_arms", "read_study"),
    "analysis.bangdiwala": ("bangdiwala_b",),
    "analysis.charts": ("agreement_chart",),
    "analysis.errors": ("InputError",),
    "analysis.intervals": ("ConfidenceInterval", "proportion_interval"),
    "analysis.multireader": (
        "Bootstrap",
        "ClusteredEstimate",
        "Pairs",
        "ReaderAgreement",
        "clustered_ac1",
        "clustered_agreement",
        "clustered_kappa",
        "leave_one_reader_out",
        "per_class",
    ),
    "analysis.multireader.by_reader": ("per_reader",),
    "analysis.multireader.limits_of_agreement": (
        "LimitsOfAgreement",
        "limits_of_agreement",
    ),
    "analysis.power": ("PowerFigures", "PowerTest", "StudySize", "power_overview"),
    "analysis.power.design": ("DesignAssumptions", "DesignSize"),
    "analysis.power.simulation": ("DesignGrid", "design_grid"),
    "analysis.recovery": (
        "KnownMargins",
        "TooMuchWorkError",
        "count_tables",
        "feasible_tables",
        "tables_by_reader",
    ),
    "analysis.reproduction": ("Reproduction", "reproduce_paper"),
    "analysis.responses.ratings": ("read_ratings",),
    "analysis.symmetry": ("TestResult", "bowker", "mcnemar", "stuart_maxwell"),
    "analysis.tables": ("ContingencyTable",),
    "reader_study.formats.checking": ("FormatError",),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}
_SUBMODULES = (
    "accuracy",
    "agreement",
    "bangdiwala",
    "charts",
    "intervals",
    "multireader",
    "power",
    "questions",
    "recovery",
    "reproduction",
    "symmetry",
    "tables",
)


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import what a name stands for when it is first used (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        found: Any = version("magic-ctp")
    elif name in _MODULE:
        found = getattr(import_module(_MODULE[name]), name)
    elif name in _SUBMODULES:
        found = import_module(f"analysis.{name}")
    else:
        msg = f"module {__name__!r} from {__file__} has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
