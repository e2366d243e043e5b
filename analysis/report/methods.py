"""How the numbers of a report were computed, in sentences ready for a paper."""

from collections.abc import Mapping
from importlib.metadata import version

from analysis.report.material import Provenance
from analysis.report.question import Incomplete
from analysis.report.references import numbered, with_numbers
from analysis.report.study import StudyResults

INCOMPLETE: Mapping[Incomplete, str] = {
    "exclude": "All statistics take complete pairs only.",
    "disagree": (
        "In the percent agreement a pair with exactly one answer counts as a "
        "disagreement; all other statistics take complete pairs only."
    ),
}
_DATA: Mapping[Provenance, str] = {
    "study": "",
    "simulated": "The readings analysed here are simulated.",
    "reconstructed": (
        "The readings analysed here were reconstructed from published tables."
    ),
    "published": "The counts analysed here are those printed in the paper.",
}


def base_methods(study: StudyResults) -> tuple[str, ...]:
    """Say how Table 1 and the statistics of each question were computed.

    Sources are marked as `{key}` of `analysis.report.references`.
    """
    level = f"{100 * study.confidence_level:g} %"
    said = (
        _DATA[study.provenance],
        f"Answers of {_readers(len(study.readers))} to the same cases under "
        f"{study.reference} (reference) and {study.test} (test) were paired, case by "
        f"case.",
        INCOMPLETE[study.incomplete],
        f"Percent agreement has Wilson score intervals without continuity correction "
        f"{{wilson}}; all intervals are at the {level} level.",
        "Cohen's kappa {cohen}, unweighted unless said otherwise, has the large-sample "
        "standard error of Fleiss, Cohen and Everitt {fleiss_cohen_everitt} and the "
        "interval estimate \u00b1 z \u00d7 standard error, not cut off at \u22121 "
        "and 1.",
        "Categories are those of the answer scale, in its order, also where nobody "
        "chose one.",
        "Scott's pi {scott}, Gwet's AC {gwet}, Brennan-Prediger {brennan_prediger} and "
        "Bangdiwala's B {bangdiwala} have delta-method standard errors with divisor n.",
        "Bowker's test of symmetry {bowker} counts a pair of empty mirrored cells as "
        "0; the Stuart-Maxwell test of equal margins {stuart} takes the rank of its "
        "covariance as degrees of freedom.",
    )
    return tuple(filter(None, said))


def software() -> str:
    """Name the program and its version."""
    return f"Computed with magic-analyze {version('magic-ctp')}."


def methods_paragraphs(study: StudyResults) -> list[str]:
    """Give the whole methods part, one paragraph a section, with numbered citations."""
    numbers = numbered(study.sections)
    parts = [base_methods(study), *(section.methods for section in study.sections)]
    texts = [" ".join(sentences) for sentences in (*parts, (software(),)) if sentences]
    return [with_numbers(text, numbers) for text in texts]


def _readers(n: int) -> str:
    return "one reader" if n == 1 else f"{n} readers"
