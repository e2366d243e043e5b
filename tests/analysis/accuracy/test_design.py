"""Who rated what."""

import pytest

from analysis.accuracy.design import rating_design


def table(cells):
    """Ratings of (reader, case, modality); cases with an even number are diseased."""
    reader, case, modality = zip(*cells, strict=True)
    truth = [number % 2 for number in case]
    return {
        "reader": reader,
        "case": case,
        "modality": modality,
        "truth": truth,
        "rating": list(range(len(cells))),
    }


CROSSED = [(r, c, m) for r in "AB" for c in (1, 2, 3, 4) for m in ("CT", "MR")]


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        (
            lambda *_: True,
            "fully crossed: every reader rated every case under every modality",
        ),
        (
            lambda r, c, m: (r, c, m) != ("A", 1, "MR"),
            "crossed, 1 of 16 ratings missing",
        ),
        (lambda r, c, _: (r == "A") == (c < 3), "nested: each case by one reader"),
        (
            lambda _, c, m: (m == "CT") == (c < 3),
            "nested: each case under one modality",
        ),
        (
            lambda r, _, m: (m == "CT") == (r == "A"),
            "nested: each reader under one modality",
        ),
        (
            lambda r, c, m: (m == "CT") == (r == "A") == (c < 3),
            "nested: each case by one reader, each case under one modality, each "
            "reader under one modality",
        ),
        (
            lambda r, c, m: (r == "A") == (c < 3) and (c, m) != (1, "CT"),
            "nested: each case by one reader, 1 of 8 ratings missing",
        ),
        (
            lambda r, _, m: r == "A" or m == "CT",
            "crossed, 4 of 16 ratings missing",
        ),
    ],
)
def test_a_design_in_words(keep, words):
    found = rating_design(table([cell for cell in CROSSED if keep(*cell)]))
    assert found.sentence == words
    assert found.fully_crossed == words.startswith("fully")
