"""An evaluation: figures of the patients, and what follows from them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from magic_model.data.cohort import GENERATED_FILE, read_cohort
from magic_model.errors import DataError, pluralize
from magic_model.evaluation import statistics
from magic_model.evaluation.metric import Metric
from magic_model.evaluation.predictors import MEASURED
from magic_model.evaluation.scores import Key, Progress, ScoreTable, score
from magic_model.evaluation.selection import Selection, select
from magic_model.frames import to_frame
from magic_model.maps import MAP_SPECS, PerfusionMap

if TYPE_CHECKING:
    import pandas as pd

    from magic_model.evaluation.realism import Realism


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """Everything that was found.

    Attributes:
        selection: Patients, maps and methods.
        scores: Figures per patient.
        summaries: Over groups of patients.
        comparisons: Of methods in the same patients.
        volumes: Agreement of lesion volumes.
        seed: Of the bootstrap.
        realism: How real the maps look; None where it was not asked for.
    """

    selection: Selection
    scores: ScoreTable
    summaries: Sequence[statistics.Summary]
    comparisons: Sequence[statistics.Comparison]
    volumes: Sequence[statistics.VolumeAgreement]
    seed: int
    realism: "Realism | None" = None

    @property
    def methods(self) -> list[str]:
        """Names, predictors to compare with not among them."""
        return list(self.selection.methods)

    @property
    def rows(self) -> list[str]:
        """Methods, then predictors to compare with."""
        return [*self.methods, *self.scores.baselines]

    @property
    def maps(self) -> Sequence[PerfusionMap]:
        """Maps that were compared."""
        return self.selection.maps

    @property
    def notes(self) -> list[str]:
        """Notes on what to keep in mind."""
        return [*self.selection.notes, *self.scores.notes, *self._left_out()]

    def _left_out(self) -> Iterator[str]:
        """Tell of patients without volumes, who are in no agreement of them."""
        for method in (MEASURED, *self.methods):
            key = Key(method, None, Metric.CORE_ML)
            if key not in self.scores.keys:
                continue
            unknown = np.isnan(self.scores.column(key))
            pairs = zip(self.scores.patients, unknown, strict=True)
            names = ", ".join(one.patient_id for one, missing in pairs if missing)
            if names:
                yield (
                    f"The rules cannot tell whether maps of {names} ({method}) show a "
                    "lesion: left out of volumes and overlap"
                )

    def to_frame(self) -> "pd.DataFrame":
        """Return the summaries: a row for each group, method, map and metric."""
        return to_frame(
            {
                "group": s.group,
                "method": s.key.method,
                "map": str(s.key.map) if s.key.map else None,
                "metric": str(s.key.metric),
                "n": s.n,
                "mean": s.mean,
                "low": s.interval.low,
                "high": s.interval.high,
                "median": s.median,
            }
            for s in self.summaries
        )

    def __repr__(self) -> str:
        patients = pluralize(len(self.scores.patients), "patient")
        maps = ", ".join(MAP_SPECS[name].title for name in self.maps)
        return f"Evaluation({', '.join(self.methods)}: {maps} of {patients})"

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(index=False, float_format="{:.3g}".format)

    def summary(
        self,
        method: str,
        name: PerfusionMap | None,
        metric: Metric,
        group: str = statistics.ALL,
    ) -> statistics.Summary | None:
        """Find a summary; None where the metric was not taken or the group is empty."""
        key = Key(method, name, metric)
        return next(
            (s for s in self.summaries if s.group == group and s.key == key), None
        )


def evaluate_folders(
    measured: Path,
    generated: Sequence[Path],
    names: Sequence[str] | None = None,
    *,
    seed: int = 1,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate one or more generated cohorts.

    Args:
        measured: Folder with cohort.csv.
        generated: Folders with generated.csv.
        names: Name of each method; those of the folders if left out.
        seed: Of the bootstrap.
        jobs: Patients measured at the same time.
        progress: Called with the number of patients done and of all.

    Raises:
        DataError: If names and folders do not match, a table or an image cannot be
            read, or nothing can be compared.
    """
    selection = select_folders(measured, generated, names)
    return evaluate_selection(selection, seed, progress, jobs=jobs)


def select_folders(
    measured: Path, generated: Sequence[Path], names: Sequence[str] | None = None
) -> Selection:
    """Find what can be compared in a cohort and in folders of generated ones.

    Args:
        measured: Folder with cohort.csv.
        generated: Folders with generated.csv.
        names: Name of each method; those of the folders if left out.

    Raises:
        DataError: If names and folders do not match, a table cannot be read, or nothing
            can be compared.
    """
    titles = list(names or ()) or [folder.resolve().name for folder in generated]
    if not titles or len(titles) != len(generated) or len(set(titles)) < len(titles):
        msg = (
            "Each folder of generated maps must have a name of its own, got "
            f"{len(generated)} folders and names {', '.join(titles) or 'none'}"
        )
        raise DataError(msg)
    methods = {
        title: read_cohort(folder, GENERATED_FILE)
        for title, folder in zip(titles, generated, strict=True)
    }
    return select(read_cohort(measured), methods)


def evaluate_selection(
    selection: Selection,
    seed: int,
    progress: Progress | None = None,
    *,
    jobs: int = 1,
    boosting: bool = False,
    realism: bool = False,
) -> Evaluation:
    """Measure all patients and sum up.

    Args:
        selection: What can be compared.
        seed: Of the bootstrap.
        progress: Called with the number of patients done and of all.
        jobs: Patients measured at the same time.
        boosting: Whether boosted trees are fitted to the training split and compared.
        realism: Whether it is measured how real the maps look.

    Raises:
        DataError: If an image cannot be read or does not overlap.
    """
    trees = looks = None
    if boosting:
        from magic_model.evaluation.boosting import fit_boosting

        trees = fit_boosting(selection.measured, selection.maps, jobs=jobs)
    scores = score(selection, progress, jobs=jobs, trees=trees)
    if realism:
        from magic_model.evaluation.realism import measure_realism

        looks = measure_realism(selection, trees=trees, seed=seed)
    rng = np.random.default_rng(seed)
    return Evaluation(
        selection=selection,
        scores=scores,
        summaries=statistics.summarise(scores, rng),
        comparisons=statistics.compare(scores, list(selection.methods), rng),
        volumes=statistics.volume_agreement(scores, list(selection.methods)),
        seed=seed,
        realism=looks,
    )
