"""Sources of what a report computes, as a paper cites them, and their numbers."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from analysis.report.section import Section

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

_MARK = re.compile(r"\{([a-z0-9_]+(?:, [a-z0-9_]+)*)\}")


@cache
def sources() -> Mapping[str, str]:
    """Give the known sources by key."""
    text = files("analysis.report").joinpath("references.toml").read_text("utf-8")
    return tomllib.loads(text)


def numbered(sections: Iterable[Section]) -> dict[str, int]:
    """Number each source that a report needs, in the order in which it is first cited.

    Sources that a section names but no sentence of it marks come after those it marks.
    """
    keys = list(ALWAYS)
    for section in sections:
        marked = [key for text in section.methods for key in marks(text)]
        keys += [*marked, *section.references]
    return {key: place for place, key in enumerate(dict.fromkeys(keys), 1)}


def cited(sections: Iterable[Section]) -> list[str]:
    """Give each source once, in the order of its number."""
    return [sources()[key] for key in numbered(sections)]


def marks(sentence: str) -> list[str]:
    """Give the keys that a sentence marks as `{key}` or `{key, key}`.

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
