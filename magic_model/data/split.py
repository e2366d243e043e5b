"""Which patients train, validate and test: drawn by patient, within each severity."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from magic_model.severity import Severity

_CLASSES = (*Severity, None)


class Split(StrEnum):
    """Use of a patient: to train, validate or test."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


def assign_splits(
    severities: Sequence[Severity | None],
    *,
    rng: np.random.Generator,
    test_share: float = 0.2,
    val_share: float = 0.1,
) -> list[Split]:
    """Draw a split for each patient, in the same shares in every class of severity.

    Shares are met over all classes to within one patient: each class gets its whole
    share, what is left over goes by largest remainder.

    Args:
        severities: Class of each patient; those whose class is unknown are one more.
        rng: Source of chance.
        test_share: Share of all patients held out for testing (paper: 20 %).
        val_share: Share of all patients for validation, taken from the training part.

    Raises:
        ValueError: If the shares are not within 0 and 1 together.
    """
    if not (test_share >= 0 and val_share >= 0 and test_share + val_share < 1):
        msg = f"Shares must be 0 or more and leave some, got {test_share}, {val_share}"
        raise ValueError(msg)
    splits = [Split.TRAIN] * len(severities)
    classes = [
        rng.permutation([i for i, s in enumerate(severities) if s == severity]).tolist()
        for severity in _CLASSES
    ]
    for split, share in ((Split.TEST, test_share), (Split.VAL, val_share)):
        wanted = [
            share * sum(s == severity for s in severities) for severity in _CLASSES
        ]
        room = [len(members) for members in classes]
        for members, count in zip(classes, _whole_shares(wanted, room), strict=True):
            for _ in range(count):
                splits[members.pop()] = split
    return splits


def _whole_shares(wanted: Sequence[float], room: Sequence[int]) -> list[int]:
    """Round numbers to whole ones so that their sum is rounded too.

    Only a class with room left is rounded up: the only patient of a small one may be
    taken already.
    """
    whole = [int(x) for x in wanted]
    missing = round(sum(wanted)) - sum(whole)
    with_room = [i for i in range(len(wanted)) if whole[i] < room[i]]
    by_remainder = sorted(with_room, key=lambda i: whole[i] - wanted[i])
    for index in by_remainder[:missing]:
        whole[index] += 1
    return whole
