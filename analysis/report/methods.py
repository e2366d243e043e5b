"""Methods and sources of a report, in sentences ready for a paper."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Protocol

from analysis.report.question import Incomplete
from analysis.report.results import StudyResults
from analysis.report.section import Provenance

ALWAYS = (
    "wilson",
    "cohen",
    "fleiss_cohen_everitt",
    "scott",
    "gwet",
    "brennan_prediger",
    "bangdiwala",
    "bowker",
    "stuart",
)
"""Sources of what every report computes, in the order in which it says so."""


class Cites(Protocol):
    """A part of a report: its methods, and the keys of sources behind them."""

    @property
    def methods(self) -> tuple[str, ...]:
        """Sentences, ready for a paper."""
        ...

    @property
    def references(self) -> tuple[str, ...]:
        """Keys of `references.toml`."""
        ...


_MARK = re.compile(r"\{([a-z0-9_]+(?:, [a-z0-9_]+)*)\}")


@cache
def sources() -> Mapping[str, str]:
    """Return the known sources by key."""
    text = files("analysis.report").joinpath("references.toml").read_text("utf-8")
    return tomllib.loads(text)


def parts_of(study: StudyResults) -> list[Cites]:
    """Return what cites sources: the page in front, then all sections."""
    return [*([study.front] if study.front else []), *study.sections]


def numbered(
    sections: Iterable[Cites], always: Sequence[str] = ALWAYS
) -> dict[str, int]:
    """Number each source that a report needs, in the order in which it is first cited.

    Sources that a section names but no sentence of it marks come after those it marks;
    those of `always` come first.
    """
    keys = list(always)
    for section in sections:
        marked = [key for text in section.methods for key in marks(text)]
        keys += [*marked, *section.references]
    return {key: place for place, key in enumerate(dict.fromkeys(keys), 1)}


def cited(sections: Iterable[Cites], always: Sequence[str] = ALWAYS) -> list[str]:
    """Return each source once, in the order of its number."""
    return [sources()[key] for key in numbered(sections, always)]


def marks(sentence: str) -> list[str]:
    """Return the keys that a sentence marks as `{key}` or `{key, key}`.

    Examples:
        >>> marks("Kappa {cohen} and others {gwet, bangdiwala} were computed.")
        ['cohen', 'gwet', 'bangdiwala']
    """
    found = (match[1].split(", ") for match in _MARK.finditer(sentence))
    # A name that a user gave may stand in braces too.
    return [key for keys in found if set(keys) <= sources().keys() for key in keys]


def with_numbers(sentence: str, numbers: Mapping[str, int]) -> str:
    """Put numbers in the place of the marks.

    Examples:
        >>> with_numbers("Others {gwet, cohen} too.", {"cohen": 1, "gwet": 2})
        'Others [1, 2] too.'
    """

    def number(match: re.Match[str]) -> str:
        keys = match[1].split(", ")
        if not set(keys) <= numbers.keys():
            return match[0]
        return f"[{', '.join(str(n) for n in sorted(numbers[key] for key in keys))}]"

    return _MARK.sub(number, sentence)


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
    """Return in words how Table 1 and the statistics of each question were computed.

    Sources are marked as `{key}` of `analysis.report.methods`.
    """
    level = f"{100 * study.confidence_level:g} %"
    said = (
        _DATA[study.provenance],
        f"Answers of {_readers(len(study.readers))} to the same cases under "
        f"{study.reference} (reference) and {study.test} (test) were paired, case by "
        f"case.",
        INCOMPLETE[study.incomplete],
        f"Where pairs are taken as independent, percent agreement has Wilson score "
        f"intervals without continuity correction {{wilson}}. All intervals are at the "
        f"{level} level unless said otherwise.",
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
    """Return the methods part, one paragraph a section, with numbered citations."""
    numbers = numbered(parts_of(study))
    first = study.front.methods if study.front else ()
    rest = (section.methods for section in study.sections)
    parts = [base_methods(study), first, *rest]
    texts = [" ".join(sentences) for sentences in (*parts, (software(),)) if sentences]
    return [with_numbers(text, numbers) for text in texts]


def of_parts(parts: Sequence[Cites], provenance: Provenance) -> list[str]:
    """Return the methods of a report that is nothing but its parts.

    Args:
        parts: In the order in which they are described.
        provenance: Of the readings.
    """
    numbers = numbered(parts, ())
    texts = [" ".join(part.methods) for part in parts if part.methods]
    said = [with_numbers(text, numbers) for text in texts]
    simulated = provenance == "simulated"
    first = ["The readings analysed here are simulated."] if simulated else []
    return [*first, *said, software()]


def _readers(n: int) -> str:
    return "one reader" if n == 1 else f"{n} readers"
