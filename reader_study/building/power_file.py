"""The power of a study, as `magic-analyze power` wrote it, in words."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from reader_study.errors import counted
from reader_study.formats import checking

_SIZES = (
    "readers",
    "cases",
    "seed",
    "margins",
    "counts",
    "pilot",
    "components",
    "protocol",
)


def in_words(path: Path, size: tuple[int, int]) -> tuple[str, ...]:
    """Return what a file of `magic-analyze power` says of the size of a study.

    Args:
        path: The JSON.
        size: Readers and cases; 0 cases: so many as the file has.

    Raises:
        FormatError: If it is no such file, or says nothing of so many readers and
            cases.
    """
    source = checking.read_json(path)
    content = checking.require_object(source)
    asked = content.get("asked")
    found = list(_powers(content, size))
    if not isinstance(asked, dict) or not found:
        why = (
            "must be JSON of magic-analyze power with "
            f"{counted(size[0], 'reader')} and {counted(size[1], 'case')}, got another"
        )
        raise source.error([checking.Fault(("asked",), why)])
    assumed = ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in asked.items()
        if isinstance(value, int | float | str) and name not in _SIZES
    )
    return (f"Assumed: {assumed}.", *found, f"By magic-analyze power ({path.name}).")


def _powers(content: Mapping[str, Any], size: tuple[int, int]) -> Iterable[str]:
    """Yield the power of a study of this size, in each of the forms of the command."""
    asked = content.get("asked") or {}
    for one in content.get("designs", ()):
        if (one.get("readers"), size[1] and one.get("cases")) == size:
            power = one.get("power_simulated", one.get("power"))
            what = str(one.get("measure", asked.get("metric", "the difference")))
            of = "" if size[1] else f" with {counted(one.get('cases'), 'case')}"
            yield f"Power for {what.replace('_', ' ')}{of}: {power:.1%}."
    if (asked.get("readers"), asked.get("cases")) == size:
        for name, rows in content.get("figures", {}).items():
            first = rows[0]
            if first.get("power") is not None:
                yield (
                    f"{name}: power {first['power']:.1%} "
                    f"({first['formulation'].lower()})."
                )
    of_raters = (asked.get("raters"), asked.get("cases")) == size
    if of_raters and isinstance(content.get("power"), float):
        yield f"Power for kappa of all readers: {content['power']:.1%}."
