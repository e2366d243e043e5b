"""What is asked of `magic-analyze power --design`, from a file and from options."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from analysis.errors import InputError
from analysis.power.design import DesignAssumptions, DesignSize


@dataclass(frozen=True, kw_only=True)
class DesignRequest:
    """What the user asks; the names are those of the file and of the options."""

    readers: tuple[int, ...] = (3, 5, 7, 10)
    cases: tuple[int, ...] = (10, 20, 40, 80)
    kappa: float = 0.6
    null: float = 0.4
    shares: tuple[float, ...] = (0.5, 0.5)
    test_shares: tuple[float, ...] | None = None
    patient_correlation: float = 0.3
    reader_correlation: float = 0.05
    family: str = "exchangeable"
    acceptable: int = 1
    margin: float = 0.1
    alpha: float = 0.05
    power: float = 0.8
    repetitions: int = 2000
    seed: int = 1

    def assumptions(self) -> DesignAssumptions:
        """Take what describes the answers."""
        known = {field.name for field in fields(DesignAssumptions)}
        given = {name: value for name, value in asdict(self).items() if name in known}
        return DesignAssumptions(**given)

    def sizes(self) -> list[DesignSize]:
        """All designs, from few readers and cases to many."""
        readers, cases = sorted(set(self.readers)), sorted(set(self.cases))
        return [DesignSize(r, c) for r in readers for c in cases]


def read_request(path: Path | None, options: Mapping[str, Any]) -> DesignRequest:
    """Take a design from a file, and options that were given over it.

    Raises:
        InputError: If the file is no TOML, holds an unknown name or a wrong value.
    """
    request = DesignRequest()
    if path:
        request = replace(request, **_from_file(path))
    return replace(request, **options)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is not TOML: {error}"
        raise InputError(msg) from error
    kinds = {field.name: field.default for field in fields(DesignRequest)}
    unknown = sorted(set(content) - set(kinds))
    if unknown:
        msg = f"{path}: unknown {', '.join(unknown)}; known are {', '.join(kinds)}"
        raise InputError(msg)
    return {
        name: _value(path, name, value, kinds[name]) for name, value in content.items()
    }


def _value(path: Path, name: str, value: object, like: object) -> object:
    """Check a value of the file against the default's kind."""
    several = name == "test_shares" or isinstance(like, tuple)
    whole = name in {"readers", "cases"} or isinstance(like, int)
    kind = str if isinstance(like, str) else int if whole else (int, float)
    items = value if several and isinstance(value, list) else [value]
    fits = isinstance(value, list) == several and items
    if not fits or not all(
        isinstance(item, kind) and not isinstance(item, bool) for item in items
    ):
        what = "text" if kind is str else "whole number" if kind is int else "number"
        wanted = f"a list of {what}s" if several else f"a {what}"
        msg = f"{path}: {name} must be {wanted}, got {value!r}"
        raise InputError(msg)
    return tuple(items) if several else value
