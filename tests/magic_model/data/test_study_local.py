import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magic_model.errors import DataError
from magic_model.importing.cohort import study_local_ids


@given(
    st.lists(st.text("p0123456789"), unique=True, max_size=20), st.integers(0, 2**32)
)
def test_ids_are_unique_and_none_is_a_source_id(sources, seed):
    ids = study_local_ids(sources, rng=np.random.default_rng(seed))

    assert list(ids) == sources
    assert len(set(ids.values())) == len(sources)
    assert not set(ids.values()) & set(sources)


def test_ids_depend_on_chance_and_not_on_the_source():
    first = study_local_ids(["a", "b"], rng=np.random.default_rng(1))
    others = study_local_ids(["x", "y"], rng=np.random.default_rng(1))
    again = study_local_ids(["a", "b"], rng=np.random.default_rng(2))

    assert list(first.values()) == list(others.values())
    assert set(first.values()).isdisjoint(again.values())


def test_an_id_that_a_hospital_uses_is_not_drawn():
    drawn = study_local_ids(["a"], rng=np.random.default_rng(1))["a"]

    ids = study_local_ids(["a", drawn], rng=np.random.default_rng(1))

    assert drawn not in ids.values()


def test_two_patients_with_one_id_are_refused():
    with pytest.raises(DataError, match="'a' twice"):
        study_local_ids(["a", "b", "a"], rng=np.random.default_rng(1))
