"""Sources of what a report computes, as a paper cites them."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from analysis.report.section import Section

ALWAYS = (
    "wilson",
    "cohen",
    "fleiss_cohen_everitt",
    "gwet",
    "bangdiwala",
    "bowker",
    "stuart",
    "grras",
)
"""Sources of what every report computes."""


@cache
def sources() -> Mapping[str, str]:
    """Give the known sources by key."""
    text = files("analysis.report").joinpath("references.toml").read_text("utf-8")
    return tomllib.loads(text)


def cited(sections: Iterable[Section]) -> list[str]:
    """Give each source once, in the order in which it is first needed."""
    keys = [*ALWAYS, *(key for section in sections for key in section.references)]
    return [sources()[key] for key in dict.fromkeys(keys)]
