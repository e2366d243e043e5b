import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from magic_model.data.split import Split, assign_splits
from magic_model.severity import Severity

severities = st.lists(st.sampled_from(Severity), max_size=120)
shares = st.floats(0, 0.45)


def drawn(classes, seed=0, **options):
    return assign_splits(classes, rng=np.random.default_rng(seed), **options)


@given(severities, shares, shares, st.integers(0, 2**32 - 1))
@example(list(Severity), 0.25, 0.375, 0)  # the only one of a class tests already
def test_shares_are_met_within_one_patient(classes, test, val, seed):
    splits = drawn(classes, seed, test_share=test, val_share=val)
    assert len(splits) == len(classes)
    for split, share in ((Split.TEST, test), (Split.VAL, val)):
        assert abs(splits.count(split) - share * len(classes)) <= 1
        for severity in Severity:
            chosen = [s for s, c in zip(splits, classes, strict=True) if c == severity]
            assert abs(chosen.count(split) - share * len(chosen)) < 1 + 1e-9


def test_a_class_that_is_not_known_is_split_by_itself():
    classes = [Severity.NONE] * 10 + [None] * 10
    splits = drawn(classes, test_share=0.2, val_share=0.1)
    assert splits[10:].count(Split.TEST) == 2
    assert splits[10:].count(Split.VAL) == 1
    assert splits[:10].count(Split.TEST) == 2
    known = [Severity.SEVERE, Severity.NONE] * 10
    assert drawn([*known, None], test_share=0, val_share=0.3)[:20].count(Split.VAL) == 6


def test_the_numbers_of_the_paper():
    # 841 patients, 673 for training and 168 for testing (section 2.1.1).
    classes = (
        [Severity.NONE] * 521 + [Severity.MILD_MODERATE] * 143 + [Severity.SEVERE] * 177
    )
    splits = drawn(classes, val_share=0)
    assert splits.count(Split.TRAIN) == 673
    assert splits.count(Split.TEST) == 168


def test_the_seed_decides_and_only_it():
    classes = [Severity.NONE, Severity.SEVERE] * 30
    assert drawn(classes, 1) == drawn(classes, 1)
    assert drawn(classes, 1) != drawn(classes, 2)


@pytest.mark.slow
def test_every_patient_has_the_same_chance():
    classes = [Severity.NONE] * 5 + [Severity.SEVERE] * 15
    rng = np.random.default_rng(0)
    tested = np.mean(
        [
            [split is Split.TEST for split in assign_splits(classes, rng=rng)]
            for _ in range(3000)
        ],
        axis=0,
    )
    # Four standard errors of a share of 20 %.
    assert np.abs(tested - 0.2).max() < 4 * np.sqrt(0.2 * 0.8 / 3000)


def test_no_patients_have_no_splits():
    assert drawn([]) == []


@pytest.mark.parametrize(
    ("test", "val"), [(-0.1, 0.1), (0.5, 0.5), (1.0, 0.0), (float("nan"), 0.1)]
)
def test_impossible_shares_are_refused(test, val):
    with pytest.raises(ValueError, match="Shares must be 0 or more and leave some"):
        drawn([Severity.NONE], test_share=test, val_share=val)
