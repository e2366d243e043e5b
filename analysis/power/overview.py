"""Power of one study under each formulation of the test, side by side."""

import math
from dataclasses import dataclass, replace

from numpy.typing import ArrayLike

from analysis.agreement.chance_corrected import maximum_kappa_of_margins
from analysis.errors import as_number, as_whole, instance_of
from analysis.power.normal import (
    Formulation,
    PowerTest,
    UnattainableKappaError,
    check_power,
    design_effect,
    detectable_kappa,
    formulations,
    largest_icc,
    margin_shares,
)
from analysis.showing import Shown


@dataclass(frozen=True)
class StudySize(Shown):
    """Readers, cases, and how alike the pairs of one case are.

    Raises:
        ValueError: If a number is out of range.
    """

    readers: int
    cases: int
    icc: float = 0.0

    def __post_init__(self) -> None:
        as_whole("Readers", self.readers)
        as_whole("Cases", self.cases)
        as_number("Correlation within a case", self.icc)
        if self.readers < 1 or self.cases < 1:
            msg = (
                "A study needs readers and cases, "
                f"got {self.readers} readers and {self.cases} cases"
            )
            raise ValueError(msg)
        design_effect(self.readers, self.icc)

    @property
    def pairs(self) -> int:
        """Pairs of readings."""
        return self.readers * self.cases

    @property
    def effective_pairs(self) -> float:
        """Independent pairs that carry as much information."""
        return self.pairs / design_effect(self.readers, self.icc)


@dataclass(frozen=True)
class PowerFigures(Shown):
    """Power of a study under one formulation.

    Attributes:
        formulation: Name of the formulation.
        n_needed: Independent pairs needed, rounded up; None where refused.
        power: Power of the study, with its effective number of pairs.
        power_cases: Power if there were only as many pairs as cases.
        detectable: Smallest kappa found with the power wanted; NaN if none is.
        largest_icc: Intraclass correlation up to which the study suffices; None if it
            does not even with independent pairs.
        refused: Why there are no figures, else None.
    """

    formulation: str
    n_needed: int | None = None
    power: float = math.nan
    power_cases: float = math.nan
    detectable: float = math.nan
    largest_icc: float | None = None
    refused: str | None = None


def power_overview(
    rows: ArrayLike,
    columns: ArrayLike,
    size: StudySize,
    test: PowerTest,
    wanted: float = 0.8,
) -> list[PowerFigures]:
    """Compute power under each formulation for given margins.

    A kappa above what the margins allow is refused in every formulation, also in those
    that give a number for it because they assume equal margins.

    Args:
        rows: `(k,)` answers of the reference method, counts or shares.
        columns: `(k,)` the same of the test method.
        size: The study.
        test: What is tested.
        wanted: Power wanted.
    """
    instance_of("Size", size, StudySize)
    instance_of("Test", test, PowerTest)
    check_power(wanted, test.alpha)
    r, c = margin_shares("Rows", rows), margin_shares("Columns", columns)
    if len(r) != len(c):
        msg = f"Rows and columns must be as many, got {len(r)} and {len(c)}"
        raise ValueError(msg)
    maximum = maximum_kappa_of_margins(r, c)
    if not test.kappa <= maximum:
        refused = str(UnattainableKappaError(test.kappa, maximum))
        return [PowerFigures(f.name, refused=refused) for f in formulations(r, c)]
    return [_figures(f, size, test, wanted, maximum) for f in formulations(r, c)]


def _figures(
    formulation: Formulation,
    size: StudySize,
    test: PowerTest,
    wanted: float,
    maximum: float,
) -> PowerFigures:
    needed = formulation.sample_size(test, wanted)

    def power_of_kappa(kappa: float) -> float:
        return formulation.power(replace(test, kappa=kappa), size.effective_pairs)

    return PowerFigures(
        formulation=formulation.name,
        n_needed=math.ceil(needed),
        power=formulation.power(test, size.effective_pairs),
        power_cases=formulation.power(test, size.cases),
        detectable=detectable_kappa(
            power_of_kappa,
            null=test.null,
            highest=min(maximum, formulation.highest_kappa),
            power=wanted,
        ),
        largest_icc=largest_icc(size.pairs, needed, size.readers),
    )
