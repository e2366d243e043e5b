"""Weights from elsewhere: verified by hash, then a checkpoint in the folder of a run.

Two layouts are known: a checkpoint of this package, taken as it is, and the authors'
published one, a pickled state dict of their four-branch pix2pix U-Net, whose names are
mapped onto the `paper` generator. It is unpickled by `torch.load(weights_only=True)`,
which builds tensors and nothing else.
"""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from magic_model.checkpoint import (
    BEST,
    LAST,
    CheckpointHeader,
    load_generator,
    load_weights,
    save_checkpoint,
)
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.networks import build_generator
from magic_model.output import complete_or_untouched, file_digest
from magic_model.recipe import BranchConfig, Norm, Recipe
from magic_model.recipes.files import load_recipe

SHA256 = re.compile(r"[0-9a-f]{64}")
LAYOUT = "the authors' published layout"

AUTHORS_MAPS = (
    PerfusionMap.MTT,
    PerfusionMap.TTP,
    PerfusionMap.CBF,
    PerfusionMap.CBV,
)
"""In the order of the authors' decoders 1 to 4, that of the panels of their slices."""

DEFECTS = (
    "decoder 3 (CBF) was run with the three innermost convolutions of decoder 1 (MTT), "
    "so they are loaded twice; deconv1_3, deconv2_3 and deconv3_3 were never run and "
    "are left out",
    "dropout was on at inference too, so that no two runs gave the same maps; here it "
    "is off, as in every network of this package",
    "trained on 8-bit slices stretched one by one: grey values become units by the "
    "paper's ranges, and absolute values are not to be relied on",
    "the public test script scales the wrong weights for a ratio; here a ratio means "
    "what it means for every network",
)
"""What is known of such weights and what became of it, for people."""

_ENCODERS = {2: "shared.1", 3: "shared.2", 4: "shared.3"}
_DEPTH, _SHARED, _BORROWED = 8, 4, 3
_BORROWER, _LENDER = 3, 1
"""Decoder 3 runs the innermost convolutions of decoder 1, with norms of its own."""
_SMALLEST = 2**-24  # of batch normalisation's weights; what is smaller counts as 0


@dataclass(frozen=True)
class Loaded:
    """Weights that were loaded.

    Attributes:
        checkpoint: Where they are now.
        header: Of it.
        notes: What is to be known of them, for people.
    """

    checkpoint: Path
    header: CheckpointHeader
    notes: tuple[str, ...]


def load_published(path: Path, sha256: str, out: Path) -> Loaded:
    """Put a file of weights into the folder of a run, if it is the one that is meant.

    Args:
        path: A checkpoint of this package, or one of the authors' layout.
        sha256: Of the file, 64 hexadecimal digits, as published beside it.
        out: Folder of a run, in which there is none.

    Raises:
        DataError: If the hash is another, the file holds no weights of a known layout,
            or `out` already holds a checkpoint or cannot be written.
    """
    _require_hash(path, sha256)
    for name in (BEST, LAST):
        if (out / name).exists():
            msg = f"{out}: must hold no checkpoint yet, got {name}"
            raise DataError(msg)
    with path.open("rb") as file:
        pickled = _is_pickle(file.read(4))
    with complete_or_untouched(out) as staging:
        if pickled:
            header = _convert(path, sha256.lower(), staging / BEST)
        else:
            _, header = load_generator(path)
            shutil.copyfile(path, staging / BEST)
    return Loaded(out / BEST, header, DEFECTS if pickled else ())


def from_authors(state: Mapping[str, Tensor], where: str = "weights") -> "Authors":
    """Map a state dict of the authors' generator onto this package's.

    Args:
        state: Tensors by the authors' names, with or without `module.` before them.
        where: What it came from, for messages.

    Raises:
        DataError: If a layer is missing, or there is one that is not known.
    """
    found = {name.removeprefix("module."): value for name, value in state.items()}
    try:
        width = found["conv1_1.weight"].shape[0]
        batch = "conv2_bn_1.running_mean" in found
        tensors = _mapped(found, batch=batch)
    except KeyError as error:
        msg = f"{where}: must have {LAYOUT}, with {error.args[0]}; got none of it"
        raise DataError(msg) from error
    unknown = sorted(set(found) - _known(batch=batch))
    if unknown:
        msg = f"{where}: must have {LAYOUT}, got {unknown[0]}, which it has not"
        raise DataError(msg)
    return Authors(_recipe(width, batch=batch), tensors)


@dataclass(frozen=True, eq=False)
class Authors:
    """The authors' network as this package has it.

    Attributes:
        recipe: `paper` with the Tanh that their code puts before the last layer.
        tensors: State of its generator.
    """

    recipe: Recipe
    tensors: Mapping[str, Tensor]


def _require_hash(path: Path, sha256: str) -> None:
    if not SHA256.fullmatch(sha256.lower()):
        msg = f"--sha256 must be 64 hexadecimal digits, got {sha256!r}"
        raise DataError(msg)
    found = file_digest(path)
    if found != sha256.lower():
        msg = f"{path}: must have SHA-256 {sha256.lower()}, got {found}"
        raise DataError(msg)


def _is_pickle(start: bytes) -> bool:
    """Return whether a file is one of torch.save: a ZIP archive, or a bare pickle."""
    return start.startswith((b"PK\x03\x04", b"\x80\x02"))


def _convert(path: Path, sha256: str, out: Path) -> CheckpointHeader:
    theirs = from_authors(_unpickled(path), str(path))
    with torch.device("meta"):
        generator = build_generator(theirs.recipe)
    load_weights(generator, theirs.tensors, path)
    header = CheckpointHeader(
        recipe=theirs.recipe,
        ranges=theirs.recipe.ranges,
        data="",
        seed=0,
        epoch=0,
        origin=f"{LAYOUT}, from {path.name}, SHA-256 {sha256}",
    )
    named = {f"generator.{name}": value for name, value in theirs.tensors.items()}
    save_checkpoint(out, header, named)
    return header


def _unpickled(path: Path) -> Mapping[str, Tensor]:
    msg = f"{path}: must hold tensors by name and nothing else, got another file"
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise DataError(msg) from error
    if not isinstance(state, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor)
        for name, value in state.items()
    ):
        raise DataError(msg)
    return state


def _recipe(width: int, *, batch: bool) -> Recipe:
    paper = load_recipe("paper")
    generator = BranchConfig(
        width=width, norm=Norm.BATCH if batch else Norm.INSTANCE, bounded=True
    )
    training = paper.training if batch else replace(paper.training, batch_size=1)
    return replace(paper, maps=AUTHORS_MAPS, generator=generator, training=training)


def _mapped(found: Mapping[str, Tensor], *, batch: bool) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for theirs, norm, ours in _layers():
        for part in ("weight", "bias"):
            # A copy: one layer serves two branches, and a file holds no tensor twice.
            tensors[f"{ours}.1.{part}"] = found[f"{theirs}.{part}"].float().clone()
        if batch and norm:
            _put_norm(tensors, ours, _Norm.of(found, norm))
    for number, name in enumerate(AUTHORS_MAPS, 1):
        for part in ("weight", "bias"):
            mix = found[f"deconv9_{number}.{part}"].float()
            tensors[f"pilo.{name.value}.mix.{part}"] = mix
    return tensors


def _layers() -> list[tuple[str, str, str]]:
    """Convolution and norm (or none) by the authors' names, and the layer's here."""
    layers = [("conv1_1", "", "shared.0")]
    layers += [
        (f"conv{level}_1", f"conv{level}_bn_1", ours)
        for level, ours in _ENCODERS.items()
    ]
    for number, name in enumerate(AUTHORS_MAPS, 1):
        branch = f"branches.{name.value}"
        for level in range(_SHARED + 1, _DEPTH + 1):
            norm = f"conv{level}_bn_{number}" if level < _DEPTH else ""
            inner = f"{branch}.down.{level - _SHARED - 1}"
            layers.append((f"conv{level}_{number}", norm, inner))
        for level in range(1, _DEPTH + 1):
            borrows = number == _BORROWER and level <= _BORROWED
            norm = f"deconv{level}_bn_{number}" if level < _DEPTH else ""
            conv = f"deconv{level}_{_LENDER if borrows else number}"
            layers.append((conv, norm, f"{branch}.up.{level - 1}"))
    return layers


def _known(*, batch: bool) -> set[str]:
    """Names of all tensors of the layout, with those that are left out."""
    convs = {conv for conv, _, _ in _layers()}
    convs |= {f"deconv{level}_{_BORROWER}" for level in range(1, _BORROWED + 1)}
    convs |= {f"deconv9_{number}" for number in range(1, len(AUTHORS_MAPS) + 1)}
    known = {f"{conv}.{part}" for conv in convs for part in ("weight", "bias")}
    parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    norms = {norm for _, norm, _ in _layers() if norm} if batch else set()
    return known | {f"{norm}.{part}" for norm in norms for part in parts}


@dataclass(frozen=True, eq=False)
class _Norm:
    """Batch normalisation with a scale and an offset of each channel."""

    scale: Tensor
    offset: Tensor
    mean: Tensor
    variance: Tensor

    @classmethod
    def of(cls, found: Mapping[str, Tensor], name: str) -> "_Norm":
        parts = ("weight", "bias", "running_mean", "running_var")
        return cls(*(found[f"{name}.{part}"].double() for part in parts))


def _put_norm(tensors: dict[str, Tensor], ours: str, norm: _Norm) -> None:
    """Write a norm with scale and offset as one that has none, of equal output.

    scale (x - mean) / sd + offset is (x - m) / s with s = sd / scale and
    m = mean - offset s; where the scale is negative, x changes its sign.
    """
    eps = 1e-5  # of both
    dead = norm.scale.abs() < _SMALLEST
    safe = torch.where(dead, torch.ones_like(norm.scale), norm.scale)
    sign = torch.where(dead, torch.zeros_like(safe), safe.sign())
    spread = torch.where(dead, 1.0, (norm.variance + eps).sqrt() / safe.abs())
    centre = sign * norm.mean - norm.offset * spread
    weight = tensors[f"{ours}.1.weight"]
    side = (1, -1, 1, 1) if ".up." in ours else (-1, 1, 1, 1)
    tensors[f"{ours}.1.weight"] = weight * sign.float().view(side)
    tensors[f"{ours}.1.bias"] = tensors[f"{ours}.1.bias"] * sign.float()
    tensors[f"{ours}.2.running_mean"] = centre.float()
    tensors[f"{ours}.2.running_var"] = (spread.square() - eps).float()
    tensors[f"{ours}.2.num_batches_tracked"] = torch.tensor(0)
