"""Read a recipe from TOML; whatever it does not know is an error."""

import dataclasses
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.recipe import (
    AdversarialConfig,
    DataConfig,
    Family,
    GeneratorConfig,
    LossConfig,
    Norm,
    Recipe,
    TrainingConfig,
)

__all__ = ["Recipe", "load_recipe", "recipe_from_table", "recipe_names"]


Built = TypeVar("Built")


def recipe_names() -> list[str]:
    """Names of the recipes that are shipped."""
    shipped = resources.files("magic_model") / "recipes"
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in shipped.iterdir()
        if entry.name.endswith(".toml")
    )


def load_recipe(name_or_path: str | Path) -> Recipe:
    """Read a shipped recipe by its name, or one's own by its path.

    A recipe may name a shipped one as its `base` and say only what differs.

    Raises:
        DataError: If there is none, or it is not valid; key and value are named.
    """
    return recipe_from_table(_whole(str(name_or_path)), str(name_or_path))


def recipe_from_table(table: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """Build a recipe from tables of plain values.

    Raises:
        DataError: If a key is unknown or a value is not what it must be.
    """
    parts = dict(table)
    for name, kind in _SECTIONS.items():
        if name in parts:
            parts[name] = _section(kind, parts[name], f"{where}: [{name}]")
    if isinstance(parts.get("maps"), list):
        parts["maps"] = tuple(_map(name, where) for name in parts["maps"])
    return _checked(Recipe, parts, f"{where}:")


def _whole(name_or_path: str) -> dict[str, Any]:
    """Read a recipe with all that its bases say."""
    table = _table(name_or_path)
    base = table.pop("base", None)
    if base is None:
        return table
    if base not in recipe_names():
        known = ", ".join(recipe_names())
        msg = f"{name_or_path}: base must be one of {known}, got {base!r}"
        raise DataError(msg)
    return _merged(_whole(base), table)


def _table(name_or_path: str) -> dict[str, Any]:
    path = Path(name_or_path)
    try:
        if name_or_path in recipe_names():
            shipped = resources.files("magic_model") / "recipes"
            text = (shipped / f"{name_or_path}.toml").read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
        return tomllib.loads(text)
    except OSError as error:
        known = ", ".join(recipe_names())
        msg = f"A recipe must be {known} or a TOML file, got {name_or_path}"
        raise DataError(msg) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{name_or_path}: not valid TOML ({error})"
        raise DataError(msg) from error


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = {**merged[key], **value} if both else value
    return merged


_SECTIONS: dict[str, type[Any]] = {
    "data": DataConfig,
    "generator": GeneratorConfig,
    "adversarial": AdversarialConfig,
    "loss": LossConfig,
    "training": TrainingConfig,
}
_ENUMS: dict[str, type[StrEnum]] = {"family": Family, "norm": Norm}


def _section(kind: type[Any], table: object, where: str) -> object:
    if not isinstance(table, Mapping):
        msg = f"{where} must be a table, got {table!r}"
        raise DataError(msg)
    values = {key: _value(key, value, where) for key, value in table.items()}
    return _checked(kind, values, where)


def _value(key: str, value: object, where: str) -> object:
    if key in _ENUMS:
        try:
            return _ENUMS[key](str(value))
        except ValueError as error:
            known = ", ".join(str(choice) for choice in _ENUMS[key])
            msg = f"{where} {key} must be one of {known}, got {value!r}"
            raise DataError(msg) from error
    return tuple(value) if isinstance(value, list) else value


def _checked(kind: type[Built], values: Mapping[str, Any], where: str) -> Built:
    known = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key, value in values.items():
        if key not in known:
            msg = f"{where} unknown {key}; known are {', '.join(sorted(known))}"
            raise DataError(msg)
        _require_type(known[key].type, value, f"{where} {key}")
    try:
        return kind(**values)
    except DataError as error:
        msg = f"{where} {error}" if not str(error).startswith(where) else str(error)
        raise DataError(msg) from error
    except TypeError as error:
        msg = f"{where}: {error}"
        raise DataError(msg) from error


def _require_type(wanted: object, value: object, where: str) -> None:
    if get_origin(wanted) is tuple and isinstance(value, tuple):
        for item in value:
            _require_type(get_args(wanted)[0], item, where)
        return
    kind = get_origin(wanted) or wanted
    fits = {
        tuple: False,
        int: isinstance(value, int) and not isinstance(value, bool),
        float: isinstance(value, (int, float)) and not isinstance(value, bool),
        bool: isinstance(value, bool),
        str: isinstance(value, str),
    }
    if isinstance(kind, type) and not fits.get(kind, True):
        name = "list" if kind is tuple else kind.__name__
        msg = f"{where} must be of type {name}, got {value!r}"
        raise DataError(msg)


def _map(name: object, where: str) -> PerfusionMap:
    try:
        return PerfusionMap(str(name))
    except ValueError as error:
        msg = f"{where}: maps must be among {', '.join(PerfusionMap)}, got {name!r}"
        raise DataError(msg) from error
