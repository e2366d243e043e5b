"""The protocol: what a study is going to do, fixed before anyone reads a picture."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

from reader_study.errors import StudyError
from reader_study.formats.canonical import sha256_of

Allocation = Literal["paper", "balanced"]
Order = Literal["shared", "per_reader"]

_LATER = ("training_cases", "training_repeat", "training_skippable", "closing")


class SettingError(StudyError):
    """A value of the protocol cannot be used.

    Attributes:
        setting: Name of the field at fault.
        why: What must hold and what came.
    """

    def __init__(self, setting: str, why: str) -> None:
        super().__init__(f"{setting} {why}")
        self.setting, self.why = setting, why


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A two-trial study of two methods; once constructed, valid."""

    title: str
    per_severity: Mapping[str, int]
    """Number of cases drawn of each severity."""

    reference: str = "RAPID"
    test: str = "MAGIC"
    n_trials: int = 2
    """Each case is read once by each method, in different trials: two trials."""

    allocation: Allocation = "balanced"
    """`paper`: which method comes first is drawn for each case by itself, the same for
    all readers. `balanced`: half and half in each trial and severity, and two groups of
    readers with complementary assignments."""

    order: Order = "per_reader"
    """Whether readers share the order of presentation or have their own each."""

    max_run: int = 3
    """Longest run of pictures of one method; 0: left to chance."""

    min_distance: int = 0
    """Smallest difference of a case's positions in the two trials; 0: any."""

    n_readers: int = 7
    roles: tuple[str, ...] = ()
    """Specialties that readers may have; empty: any."""

    washout_days: float = 28.0
    """Least time between signing trial 1 and beginning trial 2."""

    corrections: bool = True
    """Whether an answer may be corrected, with a reason, until the trial is signed."""

    instructions: str = ""
    """What readers are told, word by word, before they begin."""

    training: str = ""
    """How readers are trained before trial 1."""

    training_cases: str = ""
    """Table of cases to practise on, beside the protocol; empty: none."""

    training_repeat: bool = False
    """Whether readers practise again before trial 2."""

    training_skippable: bool = False
    """Whether readers may leave out what is left of the training."""

    closing: bool = False
    """Whether readers are asked after trial 2 what they recognised and believed."""

    questionnaire: str = "paper"
    """`paper`, or a JSON file beside the protocol."""

    analysis: Mapping[str, Any] = field(default_factory=dict)
    """The analysis plan: plain values, hashed with the rest."""

    def __post_init__(self) -> None:
        for name in ("title", "reference", "test", "questionnaire"):
            _require(
                bool(getattr(self, name).strip()), name, "must not be empty, got ''"
            )
        same = self.reference.casefold() == self.test.casefold()
        _require(not same, "test", f"must not be the reference, got {self.test!r}")
        fixed = f"must be 2, as each method has one, got {self.n_trials}"
        _require(self.n_trials == 2, "n_trials", fixed)
        self._check_choices()
        self._check_cases()
        self._check_order()
        self._check_readers()

    @property
    def n_cases(self) -> int:
        """Number of cases of each trial."""
        return sum(self.per_severity.values())

    @cached_property
    def sha256(self) -> str:
        """Hash of all settings; comments and layout of the file do not count."""
        given = asdict(self)
        # So that protocols from before these settings keep their hash.
        unused = {name for name in _LATER if not given[name]}
        return sha256_of({n: value for n, value in given.items() if n not in unused})

    def _check_choices(self) -> None:
        for name, known in (("allocation", Allocation), ("order", Order)):
            value, allowed = getattr(self, name), get_args(known)
            why = f"must be {' or '.join(allowed)}, got {value!r}"
            _require(value in allowed, name, why)

    def _check_cases(self) -> None:
        for severity, count in self.per_severity.items():
            why = f"must be 0 or more of {severity}, got {count}"
            _require(count >= 0, "per_severity", why)
        _require(
            self.n_cases >= 2,
            "per_severity",
            f"must be two or more cases in all, got {self.n_cases}",
        )

    def _check_order(self) -> None:
        _require(self.max_run >= 0, "max_run", f"must be 0 or more, got {self.max_run}")
        why = (
            "must be 0 with allocation paper, which leaves to chance how many pictures "
            f"of a trial are of one method, got {self.max_run}"
        )
        _require(self.allocation != "paper" or not self.max_run, "max_run", why)
        # Were it more, the case in the middle of trial 1 would have no place.
        largest = self.n_cases // 2
        _require(
            0 <= self.min_distance <= largest,
            "min_distance",
            f"must be from 0 to half the {self.n_cases} cases ({largest}), "
            f"got {self.min_distance}",
        )

    def _check_readers(self) -> None:
        why = f"must be 1 or more, got {self.n_readers}"
        _require(self.n_readers >= 1, "n_readers", why)
        long_enough = math.isfinite(self.washout_days) and self.washout_days >= 0
        why = f"must be 0 or more days, got {self.washout_days}"
        _require(long_enough, "washout_days", why)


def _require(holds: bool, setting: str, why: str) -> None:
    if not holds:
        raise SettingError(setting, why)
