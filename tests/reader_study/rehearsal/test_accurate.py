import numpy as np
import pytest

import analysis
from reader_study.errors import StudyError
from reader_study.formats.questionnaire import (
    Choice,
    Question,
    Questionnaire,
    paper_questionnaire,
)
from reader_study.formats.rating import parse_rating
from reader_study.rehearsal.accurate import DEFAULT_AUC, AccurateBots
from reader_study.rehearsal.bots import SimulationPlan

PAPER = paper_questionnaire()
SIX = Questionnaire(
    "Two grades of no disease",
    "1",
    (
        Question("D", "?", tuple(Choice(c, str(c)) for c in (0, 1, 2, 3, 4, 5))),
        Question("C", "?", tuple(Choice(c, str(c)) for c in (3, 2, 1))),
    ),
)
DISEASED = np.arange(600) % 20 < 13


def bots(text="Q3 > 1 by Q4", questionnaire=PAPER, **plan):
    rating = parse_rating(text, questionnaire)
    return AccurateBots(rating, SimulationPlan(**plan), DISEASED)


def table_of(made, n_readers=12, seed=2):
    """What bots answer, by question, and as a table of ratings."""
    drawn = made.draw(n_readers, np.random.default_rng(seed))
    codes = [drawn[name] for name in made.rating.names]
    lookup = np.vectorize(lambda *answers: made.rating.table[answers])
    ratings = lookup(*codes)
    reader, case, method = (axis.ravel() for axis in np.indices(ratings.shape))
    table = {
        "reader": reader,
        "case": case,
        "modality": np.array(["RAPID", "MAGIC"])[method],
        "truth": made.diseased[case].astype(int),
        "rating": ratings.ravel(),
    }
    return drawn, table


@pytest.mark.parametrize(
    ("text", "questionnaire", "kappa"),
    [
        ("Q3 > 1 by Q4", PAPER, 0.5),
        ("Q4", PAPER, 0.5),
        ("Q1", PAPER, 0.5),
        ("D > 2 by C", SIX, 0.6),
    ],
)
def test_the_planted_auc_and_agreement_are_found_again(text, questionnaire, kappa):
    made = bots(text, questionnaire, kappa=kappa, auc=0.9, auc_test=0.8)
    drawn, table = table_of(made)

    found = analysis.multireader_accuracy(table)
    for method, auc in (("RAPID", 0.9), ("MAGIC", 0.8)):
        result = found.modality(method)
        assert result.low < auc < result.high
        assert result.high - result.low < 0.09
    difference = found.difference("RAPID", "MAGIC")
    assert difference.low < 0.1 < difference.high
    planted = made.agreement()
    assert planted[made.rating.names[0]].kappa == pytest.approx(kappa, abs=1e-4)
    for name, truth in planted.items():
        reference, test = drawn[name][..., 0], drawn[name][..., 1]
        assert np.mean(reference == test) == pytest.approx(truth.agreement, abs=0.03)


def test_kappa_is_met_as_far_as_the_aucs_leave_it_free():
    alike = bots(kappa=0.1, auc=0.98).agreement()["Q3"].kappa
    unlike = bots(kappa=0.9, auc=0.999, auc_test=0.5).agreement()["Q3"].kappa

    assert 0.8 < alike < 0.85  # two methods that are nearly always right agree
    assert 0.25 < unlike < 0.35
    same = bots(kappa=1, auc=0.8)
    drawn, _ = table_of(same, n_readers=2)
    assert all((codes[..., 0] == codes[..., 1]).all() for codes in drawn.values())
    assert same.agreement()["Q3"].kappa == 1


def test_readers_share_what_a_case_shows():
    made = bots("Q4", within_case=0.81, within_reader=0.01, auc=0.5)
    drawn, _ = table_of(made, n_readers=8)
    correlation = np.corrcoef(drawn["Q4"][..., 0])

    assert made.auc == (0.5, 0.5)
    assert np.mean(correlation[np.triu_indices(8, 1)]) == pytest.approx(0.78, abs=0.05)
    assert bots().auc == (DEFAULT_AUC, DEFAULT_AUC)


@pytest.mark.parametrize("auc", [0.4, 1.0, "high"])
def test_an_auc_that_cannot_be_is_refused(auc):
    with pytest.raises(StudyError, match=r"auc_test must be from 0\.5 to 0\.999"):
        SimulationPlan(auc_test=auc)
