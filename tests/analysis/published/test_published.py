import math

import numpy as np
import pytest

from analysis.agreement import cohen_kappa, percent_agreement
from analysis.published import (
    load_published,
    published_pairs,
    reconstructed_responses_path,
    recover_all,
)
from analysis.published.reconstruction import reconstruct_readings, to_csv
from analysis.responses import pair_answers, read_responses
from reader_study.formats.questionnaire import paper_questionnaire


@pytest.fixture(scope="module")
def published():
    return load_published()


@pytest.fixture(scope="module")
def recovered(published):
    return recover_all(published)


@pytest.fixture(scope="module")
def responses():
    return read_responses(
        reconstructed_responses_path(),
        paper_questionnaire(),
        reference="RAPID",
        test="MAGIC",
    )


def test_printed_sums_are_the_sums_of_the_rows(published):
    for table in published.by_reader.values():
        for method, counts in table.counts.items():
            assert counts.sum(axis=0).tolist() == table.printed_sums[method].tolist()
            assert counts.sum(axis=1).tolist() == [20] * 7


def test_totals_the_text_and_the_figure_mention(published):
    # Legend of Table S.1: 117 and 118 responses; section 3.6: 43, 44 and 25 cases.
    assert published.by_reader["Q1"].counts["RAPID"][:, 0].sum() == 117
    assert published.by_reader["Q1"].counts["MAGIC"][:, 0].sum() == 118
    assert published.contingency["Q3"][0, 0] == 43
    assert published.contingency["Q4"][3, 3] == 44
    assert published.contingency["Q4"][4, 4] == 25
    assert published.contingency["Q3"].sum() == 138
    assert published.contingency["Q4"].sum() == 140


def test_the_ablation_and_comparison_tables_share_their_last_row(published):
    ablation, comparison = published.image_quality.values()
    assert ablation["rows"]["MAGIC"] == comparison["rows"]["MAGIC"]
    assert len(ablation["columns"]) == 8


@pytest.mark.parametrize("question", ["Q1", "Q2A", "Q2B", "Q2C", "Q2D"])
def test_every_table_that_is_not_printed_is_determined(recovered, question):
    assert len(recovered[question].fitting) == 1


def test_q2c_is_determined_by_the_counts_of_the_readers(recovered):
    # Reader 3 gave the reference two Indeterminate answers and the test one; reader 4
    # gave the test no Acceptable one. So row 2 of the pooled table is (2, 0, 2).
    found = recovered["Q2C"]
    assert (found.n_by_margins, found.n_by_kappa) == (65, 6)
    assert found.table.counts.tolist() == [[92, 7, 14], [2, 0, 2], [7, 2, 14]]


def test_questions_without_printed_kappa_digits_still_match(published, recovered):
    for of_question in published_pairs(published, recovered):
        row = published.table_one[of_question.question.id]
        kappa = cohen_kappa(of_question.table)
        interval = kappa.confidence_interval()
        assert row.kappa.estimate.fits(kappa.estimate)
        assert row.kappa.low.fits(interval.low)
        assert row.kappa.high.fits(interval.high)


def test_the_shipped_reconstruction_is_what_the_code_makes():
    shipped = reconstructed_responses_path().read_text(encoding="utf-8")
    assert to_csv(reconstruct_readings()) == shipped


def test_the_reconstruction_reproduces_every_table(responses, published, recovered):
    assert len(responses.readings) == 280
    assert responses.reconstructed
    assert not responses.notes
    for expected in published_pairs(published, recovered):
        found = pair_answers(responses, expected.question)
        assert found.table == expected.table
        assert found.n_incomplete == expected.n_incomplete
        assert found.n_one_answer == expected.n_one_answer
        for method, counts in (expected.by_reader or {}).items():
            assert np.array_equal(found.by_reader[method], counts)


def test_q3s_printed_percentage_counts_the_pair_with_one_answer(responses):
    question = responses.questionnaire.questions[5]
    pairs = pair_answers(responses, question)
    assert (pairs.table.n, pairs.n_one_answer, pairs.n_no_answer) == (138, 1, 1)
    percent = percent_agreement(pairs.table)
    assert percent.n_agree / (percent.n + 1) == pytest.approx(0.5324, abs=5e-5)


def test_the_reconstruction_claims_no_trial_no_order_and_no_severity(responses):
    lines = reconstructed_responses_path().read_text().splitlines()
    header = lines[0].split(",")
    for line in lines[1:]:
        row = dict(zip(header, line.split(","), strict=True))
        assert not any(row[c] for c in ("trial", "position", "pseudo_id", "severity"))
        assert row["reconstructed"] == "1"
        assert not math.isnan(float(row["Q1"]))


def test_the_questionnaire_is_that_of_figure_s3():
    questions = {q.id: q for q in paper_questionnaire()}
    assert list(questions) == ["Q1", "Q2A", "Q2B", "Q2C", "Q2D", "Q3", "Q4"]
    assert questions["Q2A"].text == "What is the diagnostic quality of the CBV maps?"
    assert questions["Q2B"].text == "What is the diagnostic quality of the CBF maps?"
    assert questions["Q2C"].codes == (1, 0, -1)
    assert questions["Q2C"].reason_codes == {0}
    assert questions["Q1"].codes == (1, 0)
    assert questions["Q3"].codes == (1, 2, 3, 4)
    assert questions["Q4"].labels[-1] == "Completely confident"
