"""Reference values and the paper's tables, for all tests of `analysis`."""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from analysis.published import load_published, published_pairs, recover_all
from analysis.tables import ContingencyTable

REFERENCE = Path(__file__).parent / "reference"


@lru_cache
def reference(name, key):
    """Load values computed with R and Python packages; see the file's `source`."""
    return json.loads((REFERENCE / f"{name}.json").read_text())[key]


@pytest.fixture(scope="session")
def paper_tables():
    """Pooled tables of the paper's questions by name."""
    published = load_published()
    pairs = published_pairs(published, recover_all(published))
    return {of_question.question.id: of_question.table for of_question in pairs}


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def q4():
    """Table S.7 of the paper."""
    return ContingencyTable(
        [
            [1, 0, 1, 0, 0],
            [0, 3, 1, 4, 2],
            [0, 1, 4, 8, 1],
            [0, 9, 6, 44, 15],
            [0, 1, 3, 11, 25],
        ]
    )
