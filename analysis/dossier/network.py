"""What the folder of a trained network says of it: the header of its checkpoint."""

import hashlib
import json
import math
import struct
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.errors import InputError

BEST, LAST = "best.safetensors", "last.safetensors"
_LARGEST = 100_000_000  # bytes of a header, as safetensors has it
_OF = "magic_model"


def network_facts(run: Path) -> dict[str, str]:
    """Return what is known of a network, by the name of the fact.

    Args:
        run: Folder of a training run, or its checkpoint.

    Raises:
        InputError: If there is no checkpoint, or it is none of `magic-model train`.
    """
    path = _checkpoint(run)
    told, n_weights = _header(path)
    recipe = told["recipe"]
    facts = {
        "network_architecture": _architecture(recipe, n_weights),
        "network_data": _data(recipe, told),
        "network_start": _start(told),
        "network_training": _training(recipe, told),
        "network_selection": _selection(path, told),
        "network_performance": _performance(told),
        "network_software": f"magic-model generate --checkpoint {path.name}, SHA-256 "
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}.",
        "partition": _partition(path.with_name("slices") / "index.json"),
        "network_fixed": "The checkpoint is one file; its hash tells of any change.",
    }
    return {name: text for name, text in facts.items() if text}


def _checkpoint(run: Path) -> Path:
    """Return the best checkpoint of a folder, as `generate` takes it, else the last."""
    if not run.is_dir():
        return run
    alone = (run / LAST).exists() and not (run / BEST).exists()
    return run / (LAST if alone else BEST)


def _selection(path: Path, told: Mapping[str, Any]) -> str:
    epoch = told.get("epoch")
    if path.name == LAST:
        why = "" if told.get("validation") else "; no patient was kept to choose by"
        return f"The last epoch, {epoch}{why}."
    return (
        "Of all epochs that one was kept whose validation error was least, epoch "
        f"{epoch}."
    )


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """Return what a checkpoint says of itself, and the number of its weights."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LARGEST:
                raise ValueError
            header = json.loads(file.read(length))
        told = json.loads(header.pop("__metadata__")[_OF])
        recipe = told["recipe"]
        n_weights = sum(math.prod(one["shape"]) for one in header.values())
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise InputError(msg) from error
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        msg = f"{path} must be a checkpoint of magic-model train, got another file"
        raise InputError(msg) from error
    if not isinstance(recipe, dict):
        msg = f"{path} must hold a recipe, got none"
        raise InputError(msg)
    return told, n_weights


def _architecture(recipe: Mapping[str, Any], n_weights: int) -> str:
    generator = recipe.get("generator", {})
    maps = ", ".join(str(one).upper() for one in recipe.get("maps", ()))
    return (
        f"Recipe {recipe.get('name')}: from non-contrast CT to {maps}; "
        f"{_settings(generator)}; {n_weights:,} weights of the generator."
    )


def _data(recipe: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    ranges = "; ".join(
        f"{name.upper()} {low:g} to {high:g}"
        for name, (low, high) in told.get("ranges", {}).items()
    )
    return (
        f"Input: {_settings(recipe.get('data', {}))}. Ranges of the maps: {ranges}. "
        f"Fingerprint of the slices trained on: {told.get('data')}."
    )


def _partition(index: Path) -> str:
    """Return how the patients of a run were parted; empty where it is not known."""
    try:
        patients = json.loads(index.read_text(encoding="utf-8"))["patients"]
        names = {one["patient_id"]: one["split"] for one in patients}
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    of = Counter(names.values())
    parts = ", ".join(f"{split} {of[split]}" for split in ("train", "val", "test"))
    apart = (
        "each patient is in one part only"
        if len(names) == len(patients)
        else "patients are in more than one part"
    )
    return f"Patients of the training run: {parts}; {apart}."


def _start(told: Mapping[str, Any]) -> str:
    seed = told.get("seed")
    if told.get("origin"):
        return f"Not trained here: {told['origin']}."
    if told.get("init"):
        return f"Weights of another checkpoint, SHA-256 {told['init']}; seed {seed}."
    return f"Weights drawn at random, seed {seed}; no transfer learning."


def _training(recipe: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    return (
        f"Training: {_settings(recipe.get('training', {}))}. Terms of the loss: "
        f"{_settings(recipe.get('loss', {}))}. Seed {told.get('seed')}."
    )


def _performance(told: Mapping[str, Any]) -> str:
    errors = ", ".join(
        f"{name.upper()} {value:.3g}"
        for name, value in told.get("validation", {}).items()
    )
    return f"Mean absolute error on validation patients: {errors}." if errors else ""


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {v}" for name, v in values.items())
