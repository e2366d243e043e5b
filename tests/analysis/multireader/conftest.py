"""Studies of a few readers and cases."""

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.multireader import Pairs

REFERENCE = Path(__file__).parent / "clustered_pairs.json"


def pairs_of(entry):
    """Make pairs of a set of clustered_pairs.json."""
    patient, reader, reference, test = zip(*entry["data"], strict=True)
    return Pairs.from_labels(reader, patient, reference, test, range(1, entry["q"] + 1))


def pytest_generate_tests(metafunc):
    """Give each test that asks for an `entry` the sets computed with R, one by one."""
    if "entry" in metafunc.fixturenames:
        sets = json.loads(REFERENCE.read_text(encoding="utf-8"))["clustered_pairs"]
        metafunc.parametrize("entry", sets, ids=[entry["id"] for entry in sets])


@pytest.fixture
def reference_pairs(entry):
    return pairs_of(entry)


def drawn_study(rng, *, n_cases=20, n_readers=7, k=4, missing=0.0):
    """Draw answers that go with the case, and leave some pairs out."""
    case = np.repeat(np.arange(n_cases), n_readers)
    reader = np.tile(np.arange(n_readers), n_cases)
    severity = rng.integers(0, k, n_cases)[case]
    answers = [
        np.where(rng.random(case.size) < 0.5, severity, rng.integers(0, k, case.size))
        for _ in range(2)
    ]
    kept = rng.random(case.size) >= missing
    labels = [column[kept] for column in (reader, case, *answers)]
    return Pairs.from_labels(*(column.tolist() for column in labels), range(k))


@pytest.fixture
def study(rng):
    """Seven readers of 20 cases, four categories, no pair missing."""
    return drawn_study(rng)


@pytest.fixture
def ragged(rng):
    """Five readers of 12 cases, a quarter of the pairs missing."""
    return drawn_study(rng, n_cases=12, n_readers=5, k=3, missing=0.25)
