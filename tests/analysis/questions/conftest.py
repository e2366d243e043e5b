import numpy as np
import pytest

from analysis.questions.judgements import Judgements


def judgements(called, order, *, trial=True):
    """Judgements of a whole study.

    `called` (2, readers, cases) is what was said of the real and of the synthetic
    picture; `order` (readers, cases) is 1 where the synthetic one came first.
    """
    _, n_readers, n_cases = np.shape(called)
    method, reader, case = (a.ravel() for a in np.indices(np.shape(called)))
    trials = np.where((np.asarray(order) == 1)[reader, case] == (method == 1), 1, 2)
    return Judgements(
        reader=reader,
        case=case,
        synthetic=method == 1,
        called_synthetic=np.asarray(called, dtype=bool).ravel(),
        readers=tuple(f"R{i}" for i in range(n_readers)),
        cases=tuple(f"c{i}" for i in range(n_cases)),
        trial=trials if trial else np.zeros(len(case), dtype=np.int64),
    )


@pytest.fixture
def balanced_order():
    """Two groups of readers with complementary halves."""
    first = np.arange(20) % 2
    return np.array([first if reader % 2 else 1 - first for reader in range(7)])
