"""Checkpoints: one safetensors file each, with a JSON header; nothing is unpickled."""

import dataclasses
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from magic_model.data.sampling import Sampling
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.networks import Generator, build_generator
from magic_model.ratio import Balance
from magic_model.recipe import Recipe
from magic_model.recipes.files import as_heeded, recipe_from_table

SCHEMA = 1
BEST = "best.safetensors"
LAST = "last.safetensors"
_HEADER = "magic_model"

Ranges = Mapping[PerfusionMap, tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class CheckpointHeader:
    """Header of a checkpoint.

    Attributes:
        recipe: What was trained.
        ranges: Values of each map that became -1 and 1.
        data: Fingerprint of the slices trained on.
        seed: Of the run; with epoch and step it is the whole state of chance.
        epoch: Epochs that are done.
        step: Steps that are done in the next one.
        validation: Mean absolute error of each map in its unit; empty if unknown.
        best: Smallest validation score so far, and the epoch that had it.
        sampling: Millimetres of the slices trained on; None in those of version 0.1.
        init: Fingerprint of the weights that training started from; empty if drawn.
        texture: As `texture.TextureModel` writes itself; None before training is done,
            and where the recipe asks for none.
        balance: Of perfusion and anatomy in each map, for ratios other than 1; None
            before training is done, in earlier versions, and without PILO.
        origin: Where weights came from that were not trained here; else empty.
    """

    recipe: Recipe
    ranges: Ranges
    data: str
    seed: int
    epoch: int
    step: int = 0
    validation: Mapping[str, float] = field(default_factory=dict)
    best: tuple[float, int] | None = None
    sampling: Sampling | None = None
    init: str = ""
    texture: Mapping[str, Any] | None = None
    balance: Mapping[PerfusionMap, Balance] | None = None
    origin: str = ""


def save_checkpoint(
    path: Path, header: CheckpointHeader, tensors: Mapping[str, Tensor]
) -> None:
    """Write a checkpoint in one step: the old file is there until the new one is whole.

    Raises:
        DataError: If it cannot be written.
    """
    plain = dataclasses.asdict(header) | {"recipe": header.recipe.to_dict()}
    text = json.dumps({"schema": SCHEMA, **plain})
    staged = path.with_name(f".{path.name}")
    flat = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(flat, staged, metadata={_HEADER: text})
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        staged.replace(path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
        msg = f"{path}: cannot be written ({error})"
        raise DataError(msg) from error


def read_header(path: Path) -> CheckpointHeader:
    """Read what a checkpoint says of itself.

    Raises:
        DataError: If it is missing, corrupt or of another kind, or its maps have other
            ranges than this version's.
    """
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(_HEADER)
    except FileNotFoundError as error:
        msg = f"{path}: no such checkpoint"
        raise DataError(msg) from error
    except (OSError, SafetensorError) as error:
        msg = f"{path}: not a readable checkpoint ({error})"
        raise DataError(msg) from error
    if text is None:
        msg = f"{path}: a safetensors file, but no checkpoint of magic-model"
        raise DataError(msg)
    try:
        return _header(json.loads(text), path)
    except DataError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{path}: its header is not that of a checkpoint ({error!r})"
        raise DataError(msg) from error


def rewrite_header(path: Path, header: CheckpointHeader) -> None:
    """Give a checkpoint another header, its tensors as they are.

    Raises:
        DataError: If it cannot be read or written.
    """
    save_checkpoint(path, header, read_tensors(path, ""))


def read_tensors(path: Path, part: str) -> dict[str, Tensor]:
    """Read the tensors of a part of a checkpoint, such as `generator`; all if empty.

    Raises:
        DataError: If the file cannot be read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {
                name.removeprefix(f"{part}."): file.get_tensor(name)
                for name in file.keys()  # noqa: SIM118 - it is no mapping
                if not part or name.startswith(f"{part}.")
            }
    except (OSError, SafetensorError) as error:
        msg = f"{path}: not a readable checkpoint ({error})"
        raise DataError(msg) from error


def load_generator(path: Path) -> tuple[Generator, CheckpointHeader]:
    """Build the generator of a checkpoint, ready to generate.

    Args:
        path: A checkpoint, or the folder of a run, whose best one is taken.

    Raises:
        DataError: If there is none, or its weights do not fit its recipe.
    """
    file = checkpoint_of(path)
    header = read_header(file)
    with torch.device("meta"):
        generator = build_generator(header.recipe)
    load_weights(generator, read_tensors(file, "generator"), file)
    generator.balance_by(header.balance or {})
    return generator.eval(), header


def load_weights(
    network: torch.nn.Module, tensors: Mapping[str, Tensor], path: Path
) -> None:
    """Put weights into a network.

    Raises:
        DataError: If names or shapes differ.
    """
    try:
        network.load_state_dict(dict(tensors), assign=True)
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        msg = f"{path}: weights do not fit the recipe it names ({first})"
        raise DataError(msg) from error
    network.requires_grad_(requires_grad=True)


def checkpoint_of(path: Path) -> Path:
    """Return a checkpoint itself, or the best (else the last) one of a run's folder.

    Raises:
        DataError: If a folder holds none.
    """
    if not path.is_dir():
        return path
    for name in (BEST, LAST):
        if (path / name).exists():
            return path / name
    msg = f"{path}: must hold {BEST} or {LAST}, got neither"
    raise DataError(msg)


def _header(plain: dict[str, Any], path: Path) -> CheckpointHeader:
    if plain.pop("schema", None) != SCHEMA:
        msg = f"{path}: must be a checkpoint of schema {SCHEMA}, got another"
        raise DataError(msg)
    recipe = recipe_from_table(as_heeded(plain.pop("recipe")), str(path))
    ranges = {
        PerfusionMap(name): (low, high)
        for name, (low, high) in plain.pop("ranges").items()
    }
    for name, limits in recipe.ranges.items():
        if ranges.get(name) != limits:
            found = ranges.get(name, "none")
            msg = f"{path}: range of {name} must be {limits}, got {found}"
            raise DataError(msg)
    best, mm = plain.pop("best"), plain.pop("sampling", None)
    known = plain.pop("balance", None)
    balance = known and {
        PerfusionMap(n): Balance(**parts) for n, parts in known.items()
    }
    return CheckpointHeader(
        recipe=recipe,
        ranges=ranges,
        best=tuple(best) if best else None,
        sampling=Sampling(**mm) if mm else None,
        balance=balance,
        **plain,
    )
