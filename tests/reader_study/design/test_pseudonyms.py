import re

import numpy as np
import pytest

from reader_study.design.study_plan import DIGITS, LETTERS, draw_pseudo_ids, draw_tokens
from reader_study.errors import StudyError


def test_pseudo_ids_are_different_and_easy_to_read_aloud():
    drawn = draw_pseudo_ids(2000, np.random.default_rng(0))

    assert len(set(drawn)) == 2000
    assert all(
        re.fullmatch(rf"[{LETTERS}]{{3}}-[{DIGITS}]{{3}}", name) for name in drawn
    )
    assert not set("0O1I") & set(LETTERS + DIGITS)


def test_pseudo_ids_tell_nothing_of_the_order_in_which_they_were_drawn():
    drawn = draw_pseudo_ids(2000, np.random.default_rng(0))
    ranks = np.argsort(np.argsort(drawn))

    # A correlation of 2,000 independent ranks has a standard deviation of 0.022.
    assert abs(np.corrcoef(ranks, np.arange(2000))[0, 1]) < 0.1


def test_all_characters_are_used_in_all_places():
    drawn = draw_pseudo_ids(5000, np.random.default_rng(1))

    for place, alphabet in enumerate([LETTERS] * 3 + ["-"] + [DIGITS] * 3):
        assert {name[place] for name in drawn} == set(alphabet)


def test_there_is_an_end_of_pseudo_ids():
    with pytest.raises(StudyError, match="must be 2097152 at most, got 2097153"):
        draw_pseudo_ids(2097153, np.random.default_rng(0))


def test_tokens_are_128_bits():
    drawn = draw_tokens(100, np.random.default_rng(0))

    assert len(set(drawn)) == 100
    assert all(re.fullmatch("[0-9a-f]{32}", token) for token in drawn)
