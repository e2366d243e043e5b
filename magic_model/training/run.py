"""A training run: epochs of steps, validation, checkpoints, until done or diverged."""

import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from magic_model.checkpoint import (
    BEST,
    LAST,
    CheckpointHeader,
    read_header,
    save_checkpoint,
)
from magic_model.data.slice_cache import SliceCache
from magic_model.data.split import Split
from magic_model.distributed import mean_over_processes, wait_for_all
from magic_model.errors import DataError
from magic_model.losses import GeneratorLoss
from magic_model.maps import PerfusionMap
from magic_model.recipe import Recipe
from magic_model.training.adversaries import Adversaries
from magic_model.training.batches import TrainingBatches
from magic_model.training.journal import Journal
from magic_model.training.run_start import (
    Progress,
    RunSettings,
    make_folder,
    not_finite,
    same_run,
    training_indices,
)
from magic_model.training.state import generator_tensors, restore, tensors_of
from magic_model.training.step import Stepper
from magic_model.training.validation import score, validation_errors


def train(recipe: Recipe, cache: SliceCache, settings: RunSettings) -> CheckpointHeader:
    """Train by a recipe, from the last checkpoint of the folder if there is one.

    Returns:
        The header of the last checkpoint.

    Raises:
        DataError: If the folder holds another run, no slice is there to train on, or
            the losses diverge.
    """
    return _Run(recipe, cache, settings).to_its_end()


class _Run:
    def __init__(
        self, recipe: Recipe, cache: SliceCache, settings: RunSettings
    ) -> None:
        self.recipe, self.cache, self.settings = recipe, cache, settings
        self.nets = Adversaries.built(recipe, settings.device, settings.seed)
        self.header = CheckpointHeader(
            recipe=recipe,
            ranges=recipe.ranges,
            data=cache.fingerprint,
            seed=settings.seed,
            epoch=0,
        )
        self.last = settings.folder / LAST
        if self.last.exists():
            self.header = same_run(read_header(self.last), self.header, self.last)
            restore(self.nets, self.last)
        self.batches = TrainingBatches(
            cache,
            training_indices(cache, recipe),
            recipe.training.batch_size,
            settings.seed,
            recipe.training.augment,
            settings.world,
            settings.device,
        )
        self.unseen = cache.of_split(Split.VAL)
        self.stepper = Stepper.over(self.nets, settings.world, settings.device)

    def to_its_end(self) -> CheckpointHeader:
        settings = self.settings
        journal = None
        if settings.world.is_first:
            make_folder(settings.folder)
            journal = Journal(
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
        return self.header

    def _epoch(self, journal: Journal | None) -> None:
        start = time.monotonic()
        epoch = self.header.epoch
        for batch in self.batches.of_epoch(epoch, self.header.step):
            self._prepare_step()
            loss, judged = self.stepper.train(batch)
            self.header = replace(self.header, step=self.header.step + 1)
            self._record(loss, judged, journal)
            every = self.settings.save_every
            if every and self.header.step % every == 0:
                self._require_finite(not_finite(self.nets))
                self._save_last()
        errors = self._validate()
        units = {f"validation/{name}": error for name, error in errors.items()}
        self._require_finite(units | not_finite(self.nets))
        self.header = replace(self.header, epoch=epoch + 1, step=0)
        if journal is not None:
            # Before the checkpoint: a run killed in between writes the line again.
            seconds = {"seconds": round(time.monotonic() - start, 3)}
            journal.write({"epoch": epoch + 1, **units, **seconds}, self._done)
        self._keep_best(errors)
        self._save_last()
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
        falling = training.warmdown * self._all
        left = (self._all - self._done) / falling if falling else 1.0
        self.nets.set_learning_rate(training.learning_rate * min(1.0, left))

    def _record(
        self, loss: GeneratorLoss, judged: torch.Tensor, journal: Journal | None
    ) -> None:
        parts = torch.stack(
            [
                loss.total,
                loss.adversarial,
                loss.l1,
                loss.extrema,
                loss.multimodal,
                judged,
            ]
        )
        values = mean_over_processes(parts.detach().double(), self.settings.world)
        names = ("total", "adversarial", "l1", "extrema", "multimodal", "discriminator")
        line = dict(zip(names, values.tolist(), strict=True))
        self._require_finite(line)
        if journal is not None:
            where = {"epoch": self.header.epoch + 1, "step": self.header.step}
            journal.write({**where, **line}, self._done)
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
        now = score(errors, self.cache)
        if self.header.best is None or now < self.header.best[0]:
            self.header = replace(self.header, best=(now, self.header.epoch))
            self._save(self.settings.folder / BEST, generator_tensors(self.nets))

    def _save_last(self) -> None:
        self._save(self.last, tensors_of(self.nets))

    def _save(self, path: Path, tensors: dict[str, torch.Tensor]) -> None:
        if self.settings.world.is_first:
            save_checkpoint(path, self.header, tensors)
