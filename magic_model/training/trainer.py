"""A training run: epochs of steps, validation, checkpoints, until done or diverged."""

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from magic_model import checkpoint
from magic_model.data.slice_cache import SliceCache
from magic_model.data.split import Split
from magic_model.distributed import World, mean_over_processes, wait_for_all
from magic_model.errors import DataError
from magic_model.losses import GeneratorLoss
from magic_model.maps import PerfusionMap
from magic_model.output import file_digest
from magic_model.recipe import Recipe, recipe_differences
from magic_model.texture import is_current
from magic_model.training import adversaries
from magic_model.training.balance import learn_balance
from magic_model.training.batches import TrainingBatches
from magic_model.training.step import TrainStep
from magic_model.training.texture import learn_texture
from magic_model.training.validation import score, validation_errors

METRICS = "metrics.jsonl"
"""Lines of what a run measures, in its folder."""


class _Journal:
    """Writes what a run measures.

    Args:
        folder: Of the run.
        epoch: Epochs that are done.
        step: Steps done in the next one; lines of later steps, which a killed run left
            behind, are dropped.
        tensorboard: Whether TensorBoard's files are written too.
    """

    def __init__(
        self, folder: Path, epoch: int, step: int, *, tensorboard: bool
    ) -> None:
        path = folder / METRICS
        kept = [
            line
            for line in _lines(path)
            if (line["epoch"], line.get("step", 0)) <= _before(line, epoch, step)
        ]
        staged = path.with_name(f".{METRICS}")
        staged.write_text("".join(f"{json.dumps(x)}\n" for x in kept), encoding="utf-8")
        staged.replace(path)
        self._file = path.open("a", encoding="utf-8")
        self._board = _board(folder) if tensorboard else None

    def write(self, line: dict[str, Any], at: int) -> None:
        """Write a line.

        Args:
            line: With `epoch`, and `step` if it is about one.
            at: Steps done since the start of the run.
        """
        self._file.write(f"{json.dumps(line)}\n")
        self._file.flush()
        if self._board is not None:
            for name, value in line.items():
                if isinstance(value, float):
                    self._board.add_scalar(name, value, at)

    def close(self) -> None:
        """Finish the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


Progress = Callable[[int, int, dict[str, float]], None]
"""Called with steps done, of all, and the latest losses."""

_AfterEpoch = Callable[[int, adversaries.Adversaries], None]
"""Called with the number of epochs done."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Settings of a run, apart from recipe and slices.

    Attributes:
        folder: Where checkpoints and metrics go.
        seed: Of weights, order, augmentation and dropout.
        world: This process among all.
        device: Where the networks are.
        save_every: Steps between checkpoints; 0 for one per epoch.
        tensorboard: Whether to write TensorBoard's files too.
        progress: Told after each step.
        epochs: Told the line of each epoch, and the epochs of all.
        preparing: Told patients prepared, of all.
        init: Checkpoint whose weights a new run starts from; drawn ones if None.
        allow_missing: Patients that may be left out as they cannot be prepared.
        after_epoch: Called by the first process after each epoch.
    """

    folder: Path
    seed: int
    world: World = field(default_factory=World)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    save_every: int = 0
    tensorboard: bool = False
    progress: Progress | None = None
    epochs: Callable[[dict[str, Any], int], None] | None = None
    preparing: Callable[[int, int], None] | None = None
    init: Path | None = None
    allow_missing: int = 0
    after_epoch: _AfterEpoch | None = None


def train(
    recipe: Recipe, cache: SliceCache, settings: RunSettings
) -> checkpoint.CheckpointHeader:
    """Train by a recipe, from the last checkpoint of the folder if there is one.

    Returns:
        The header of the last checkpoint.

    Raises:
        DataError: If the folder holds another run, no slice is there to train on, or
            the losses diverge.
    """
    return Trainer(recipe, cache, settings).fit()


class Trainer:
    """A run of one recipe on prepared slices, from its last checkpoint on."""

    def __init__(
        self, recipe: Recipe, cache: SliceCache, settings: RunSettings
    ) -> None:
        self.recipe, self.cache, self.settings = recipe, cache, settings
        self.nets = adversaries.Adversaries.from_recipe(
            recipe, settings.device, settings.seed
        )
        self.header = checkpoint.CheckpointHeader(
            recipe=recipe,
            ranges=recipe.ranges,
            data=cache.fingerprint,
            seed=settings.seed,
            epoch=0,
            sampling=cache.sampling,
            init=file_digest(settings.init) if settings.init else "",
        )
        self.last = settings.folder / checkpoint.LAST
        if self.last.exists():
            self.header = _same_run(
                checkpoint.read_header(self.last), self.header, self.last
            )
            adversaries.restore(self.nets, self.last)
        elif settings.init is not None:
            adversaries.start_from(self.nets, settings.init)
        self.batches = TrainingBatches(
            cache,
            _training_indices(cache, recipe),
            recipe.training.batch_size,
            settings.seed,
            recipe.training.augment,
            settings.world,
            settings.device,
            recipe.generator.stride if recipe.training.crop else 0,
            recipe.training.turned,
            recipe.training.bent,
        )
        self.unseen = cache.of_split(Split.VAL)
        self.stepper = TrainStep.distributed(self.nets, settings.world, settings.device)

    def fit(self) -> checkpoint.CheckpointHeader:
        """Train until all epochs are done.

        Returns:
            The header of the last checkpoint.

        Raises:
            DataError: If the losses diverge.
        """
        settings = self.settings
        journal = None
        if settings.world.is_first:
            _make_folder(settings.folder)
            journal = _Journal(
                settings.folder,
                self.header.epoch,
                self.header.step,
                tensorboard=settings.tensorboard,
            )
        try:
            while self.header.epoch < self.recipe.training.epochs:
                self._epoch(journal)
        finally:
            if journal is not None:
                journal.close()
        wait_for_all(settings.world)
        if settings.world.is_first:
            self._learn_last()
        return self.header

    def _learn_last(self) -> None:
        """Learn what needs the weights that will generate; it changes none of them."""
        chosen = checkpoint.checkpoint_of(self.settings.folder)
        known = checkpoint.read_header(chosen)
        learnt = known.texture is not None and is_current(known.texture)
        texture = self.recipe.texture and not learnt
        balance = self.recipe.generator.pilo and known.balance is None
        if not (texture or balance):
            return
        generator, header = checkpoint.load_generator(chosen)
        slices = self.cache, self.batches.indices
        if texture:
            found = learn_texture(generator, *slices)
            header = replace(header, texture=found.to_dict())
        if balance:
            parts = learn_balance(generator, *slices, self.settings.device)
            header = replace(header, balance=parts)
        checkpoint.rewrite_header(chosen, header)

    def _epoch(self, journal: _Journal | None) -> None:
        start = time.monotonic()
        epoch = self.header.epoch
        for batch in self.batches.of_epoch(epoch, self.header.step):
            self._prepare_step()
            loss, judged = self.stepper.train(batch)
            self.header = replace(self.header, step=self.header.step + 1)
            self._record(loss, judged, journal)
            every = self.settings.save_every
            if every and self.header.step % every == 0:
                self._require_finite(_not_finite(self.nets))
                self._save_last()
        errors = self._validate()
        units = {f"validation/{name}": error for name, error in errors.items()}
        self._require_finite(units | _not_finite(self.nets))
        self.header = replace(self.header, epoch=epoch + 1, step=0)
        line = {"epoch": epoch + 1, **units}
        line["seconds"] = round(time.monotonic() - start, 3)
        if journal is not None:
            # Before the checkpoint: a run killed in between writes the line again.
            journal.write(line, self._done)
        self._keep_best(errors)
        self._save_last()
        if self.settings.epochs is not None:
            self.settings.epochs(line, self.recipe.training.epochs)
        if self.settings.world.is_first and self.settings.after_epoch is not None:
            self.settings.after_epoch(epoch + 1, self.nets)

    @property
    def _done(self) -> int:
        return self.header.epoch * self.batches.per_epoch + self.header.step

    @property
    def _all(self) -> int:
        return self.recipe.training.epochs * self.batches.per_epoch

    def _prepare_step(self) -> None:
        """Set all that a step follows from: the state of chance, the learning rate."""
        header, rank = self.header, self.settings.world.rank
        key = [header.seed, header.epoch, header.step, rank]
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))
        training = self.recipe.training
        rising, falling = (s * self._all for s in (training.warmup, training.warmdown))
        risen = (self._done + 1) / rising if rising else 1.0
        left = (self._all - self._done) / falling if falling else 1.0
        self.nets.set_learning_rate(training.learning_rate * min(1.0, risen, left))

    def _record(
        self, loss: GeneratorLoss, judged: torch.Tensor, journal: _Journal | None
    ) -> None:
        parts = {"total": loss.total, **loss.terms}
        if self.nets.discriminator is not None:
            parts["discriminator"] = judged
        stacked = torch.stack(list(parts.values())).detach().double()
        values = mean_over_processes(stacked, self.settings.world)
        line = dict(zip(parts, values.tolist(), strict=True))
        self._require_finite(line)
        if journal is not None:
            where = {"epoch": self.header.epoch + 1, "step": self.header.step}
            rate = {"learning_rate": self.nets.learning_rate}
            journal.write({**where, **line, **rate}, self._done)
        if self.settings.progress is not None:
            self.settings.progress(self._done, self._all, line)

    def _require_finite(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            if not math.isfinite(value):
                kept = self.last if self.last.exists() else "none"
                msg = (
                    f"Training diverged: {name} is {value} at step {self.header.step} "
                    f"of epoch {self.header.epoch + 1}; last good checkpoint: {kept}"
                )
                raise DataError(msg)

    def _validate(self) -> dict[PerfusionMap, float]:
        if not len(self.unseen):
            return {}
        settings = self.settings
        return validation_errors(
            self.nets.generator,
            self.cache,
            self.unseen,
            settings.world,
            settings.device,
        )

    def _keep_best(self, errors: dict[PerfusionMap, float]) -> None:
        self.header = replace(
            self.header, validation={str(name): e for name, e in errors.items()}
        )
        if not errors:
            return
        now = score(errors)
        if self.header.best is None or now < self.header.best[0]:
            self.header = replace(self.header, best=(now, self.header.epoch))
            self._save(
                self.settings.folder / checkpoint.BEST,
                adversaries.generator_tensors(self.nets),
            )

    def _save_last(self) -> None:
        self._save(self.last, adversaries.tensors_of(self.nets))

    def _save(self, path: Path, tensors: dict[str, torch.Tensor]) -> None:
        if self.settings.world.is_first:
            checkpoint.save_checkpoint(path, self.header, tensors)


def _before(line: dict[str, Any], epoch: int, step: int) -> tuple[int, int]:
    """Last epoch and step of a line of this kind that a checkpoint covers.

    Epochs and steps count from 1 in lines.
    """
    if "step" not in line:
        return epoch, 0
    return (epoch + 1, step) if step else (epoch, line["step"])


def _lines(path: Path) -> list[dict[str, Any]]:
    lines = []
    if path.exists():
        for text in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):  # the last line of a killed run may be cut
                lines.append(json.loads(text))
    return lines


def _board(folder: Path) -> Any:  # noqa: ANN401 - an optional package's class
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(folder / "tensorboard")


def _not_finite(nets: adversaries.Adversaries) -> dict[str, float]:
    """Name the tensors that are not finite, though the last losses still were."""
    tensors = adversaries.tensors_of(nets)
    return {n: math.nan for n, t in tensors.items() if not t.isfinite().all()}


def _same_run(
    found: checkpoint.CheckpointHeader, wanted: checkpoint.CheckpointHeader, path: Path
) -> checkpoint.CheckpointHeader:
    """Refuse to go on from a checkpoint of another run; a finished one may get longer.

    Returns:
        The header to go on from, with the epochs that are wanted.
    """
    extended = found.recipe
    if found.epoch == found.recipe.training.epochs <= wanted.recipe.training.epochs:
        extended = found.recipe.with_epochs(wanted.recipe.training.epochs)
    pairs = {
        "recipe": (extended.fingerprint, wanted.recipe.fingerprint),
        "data": (found.data, wanted.data),
        "seed": (found.seed, wanted.seed),
        "init": (found.init, wanted.init or found.init),
    }
    other = [name for name, (a, b) in pairs.items() if a != b]
    if other:
        why = recipe_differences(extended, wanted.recipe)
        if found.sampling is None:
            why.append("its slices are of version 0.1, which prepared others")
        msg = (
            f"{path} is of a run with another {' and another '.join(other)}; "
            f"train into another folder, or remove this one"
            f"{' (' + '; '.join(why) + ')' if why else ''}"
        )
        raise DataError(msg)
    # What is learnt last belongs to the weights of then.
    return replace(found, recipe=extended, texture=None, balance=None)


def _training_indices(cache: SliceCache, recipe: Recipe) -> np.ndarray:
    """Slices to train on, which have the maps of the recipe."""
    if dict(cache.maps) != recipe.ranges:
        msg = f"{cache.folder}: slices must have the maps of recipe {recipe.name}"
        raise DataError(msg)
    indices = cache.of_split(Split.TRAIN)
    if not len(indices):
        msg = f"{cache.folder}: at least one patient must be in split train, got none"
        raise DataError(msg)
    return indices


def _make_folder(folder: Path) -> None:
    """Make the folder of a run.

    Raises:
        DataError: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{folder}: cannot be written to ({error.strerror})"
        raise DataError(msg) from error
