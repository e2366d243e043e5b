"""Recipes as files: TOML, shipped or one's own, that says what differs from a base."""

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from magic_model.errors import DataError, as_path
from magic_model.losses import TERMS
from magic_model.maps import PerfusionMap
from magic_model.recipe import (
    AdversarialConfig,
    BranchConfig,
    DataConfig,
    Family,
    GeneratorConfig,
    LossConfig,
    Norm,
    Recipe,
    ResidualConfig,
    SingleConfig,
    TrainingConfig,
    require_type,
)

_FAMILIES: dict[Family, type[GeneratorConfig]] = {
    kind.family: kind for kind in (BranchConfig, SingleConfig, ResidualConfig)
}
_OF_FAMILIES = {f.name for kind in _FAMILIES.values() for f in dataclasses.fields(kind)}


def _unheeded(generator: Mapping[str, Any], family: object) -> set[str]:
    """Return the keys of a table that other families have, and this one has not."""
    kind = _FAMILIES[Family(str(family))]
    return (_OF_FAMILIES & set(generator)) - {f.name for f in dataclasses.fields(kind)}


def as_heeded(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of a recipe without keys that its generator does not heed.

    Earlier versions wrote them into checkpoints.
    """
    generator = dict(table["generator"])
    for key in _unheeded(generator, generator.get("family", Family.BRANCHES)):
        generator.pop(key)
    return {**table, "generator": generator}


_Built = TypeVar("_Built")


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
    return recipe_from_table(_whole(str(as_path(name_or_path))), str(name_or_path))


RecipeSource = Recipe | str | Path
"""A recipe itself, the name of a shipped one, or a TOML file."""


def as_recipe(recipe: RecipeSource) -> Recipe:
    """Return a recipe, given itself, by the name of a shipped one, or as a TOML file.

    Raises:
        DataError: If it is none of these.
    """
    return recipe if isinstance(recipe, Recipe) else load_recipe(recipe)


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
    return _merged(_fitting(_whole(base), table), table)


def _fitting(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return a base without what another family of network does not heed."""
    generator = above.get("generator")
    family = generator.get("family") if isinstance(generator, Mapping) else None
    if family not in list(Family):
        return below
    return as_heeded(_merged(below, {"generator": {"family": family}}))


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
    if kind is GeneratorConfig:
        family = Family(str(values.pop("family", Family.BRANCHES)))
        kind = _FAMILIES[family]
        for key in sorted(_unheeded(values, family)):
            msg = (
                f"{where} generator.{key} is ignored by family {family}: leave it out, "
                f"got {json.dumps(values[key], default=str)}"
            )
            raise DataError(msg)
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


def _checked(kind: type[_Built], values: Mapping[str, Any], where: str) -> _Built:
    known = _types_of(kind)
    for key, value in values.items():
        if key not in known:
            msg = f"{where} unknown {key}; known are {', '.join(sorted(known))}"
            raise DataError(msg)
        require_type(known[key], value, f"{where} {key}")
    try:
        return kind(**values)
    except DataError as error:
        msg = f"{where} {error}" if not str(error).startswith(where) else str(error)
        raise DataError(msg) from error
    except TypeError as error:
        msg = f"{where}: {error}"
        raise DataError(msg) from error


def _types_of(kind: type[Any]) -> dict[str, Any]:
    """Type of each key of a section."""
    if kind is LossConfig:
        return {**dict.fromkeys(TERMS, float), "masked": bool}
    return {f.name: f.type for f in dataclasses.fields(kind)}


def _map(name: object, where: str) -> PerfusionMap:
    try:
        return PerfusionMap(str(name))
    except ValueError as error:
        msg = f"{where}: maps must be among {', '.join(PerfusionMap)}, got {name!r}"
        raise DataError(msg) from error
