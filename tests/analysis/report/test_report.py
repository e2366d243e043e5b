import json
import re

import pytest
from markupsafe import escape

from analysis.agreement.percent import PercentAgreement
from analysis.intervals import ConfidenceInterval
from analysis.published import (
    load_published,
    reconstructed_responses_path,
)
from analysis.report.documents import report_html
from analysis.report.formatting import (
    format_estimate,
    format_interval,
    format_p,
    format_percent,
    neutralise,
)
from analysis.report.frames import (
    counts_by_reader,
    supplementary_tables,
    table_one,
    to_latex,
)
from analysis.report.question import analyse_question
from analysis.report.results import StudyResults, analyse_responses, pictures_of
from analysis.report.results_json import results_json
from analysis.report.writing import OutputError, complete_or_untouched
from analysis.responses import (
    PairedAnswers,
    Question,
    read_responses,
)
from analysis.tables import ContingencyTable
from reader_study.formats.questionnaire import paper_questionnaire


def figures_of(study):
    """A picture for each that a page shows."""
    names = ["forest", "agreement_charts", *(p.name for p in pictures_of(study))]
    return dict.fromkeys(names, b"<svg/>")


@pytest.fixture(scope="module")
def study():
    asked = paper_questionnaire()
    path = reconstructed_responses_path()
    responses = read_responses(path, asked, reference="RAPID", test="MAGIC")
    return analyse_responses(responses, title="Reconstructed")


def one_question(counts, **attributes):
    k = len(counts)
    labels = tuple(f"answer {n}" for n in range(k))
    question = Question.of("Q1", "How?", tuple(range(k)), labels)
    pairs = PairedAnswers(question, ContingencyTable(counts, range(k)), **attributes)
    return StudyResults("One", [analyse_question(pairs)], ["R1"], "A", "B")


def test_results_json_has_the_documented_form(study):
    content = results_json(study)
    assert content["schema"] == 1
    assert (content["reference"], content["test"]) == ("RAPID", "MAGIC")
    q3 = content["questions"]["Q3"]
    assert q3["categories"] == [1, 2, 3, 4]
    assert q3["counts"][0] == [43, 14, 0, 2]
    assert (q3["n_pairs"], q3["n_incomplete"]) == (138, 2)
    assert q3["percent_agreement"]["method"] == "wilson"
    assert q3["cohen_kappa"]["estimate"] == pytest.approx(0.333836, abs=5e-7)
    assert q3["cohen_kappa"]["standard_error"] == pytest.approx(0.0567831, abs=5e-8)
    assert q3["cohen_kappa"]["undefined_reason"] is None
    assert content["provenance"] == "reconstructed"
    assert "Reconstructed data" in content["warning"]
    json.dumps(content, allow_nan=False)


def test_limits_without_information_are_null_with_the_reason(study):
    kappa = results_json(study)["questions"]["Q2B"]["cohen_kappa"]
    assert kappa["estimate"] == 0
    assert kappa["low"] is None
    assert kappa["high"] is None
    assert "always drew the answer 1" in kappa["undefined_reason"]


@pytest.mark.parametrize(
    "counts", [[[0, 0], [0, 0]], [[5, 0], [0, 0]], [[0, 1], [0, 0]], [[3, 0], [0, 2]]]
)
def test_degenerate_studies_have_valid_json_and_a_page(counts):
    result = one_question(counts)
    content = results_json(result)
    json.dumps(content, allow_nan=False)
    for name, entry in content["questions"]["Q1"].items():
        if isinstance(entry, dict) and entry.get("estimate", 0) is None:
            assert entry["undefined_reason"], name
    assert "Research use only" in report_html(result, figures_of(result))


def test_a_pair_with_one_answer_can_count_as_a_disagreement(study):
    pairs = study.questions[5].pairs
    percent = analyse_question(pairs, "disagree").percent
    assert (percent.n_agree, percent.n) == (74, 139)
    assert format_percent(percent) == "53.24% [44.97%, 61.33%]"  # as printed


def test_table_one_is_the_papers(study):
    frame = table_one(study).set_index("Question")
    assert frame.loc["Q1"].tolist() == [
        "140",
        "0",
        "80.71% [73.39%, 86.39%]",
        "0.285 [0.081, 0.489]",
    ]
    assert (
        frame.loc["Q2B", "Cohen's kappa [95% CI, pairs as independent]"]
        == "0.000 [no interval]"
    )


def test_supplementary_tables_are_the_papers_cell_by_cell(study):
    published = load_published()
    tables = supplementary_tables(study)
    assert list(tables) == [f"table_s{n}" for n in range(1, 8)]
    for number, question in enumerate(published.by_reader, 1):
        frame = tables[f"table_s{number}"]
        printed = published.by_reader[question]
        k = printed.counts["RAPID"].shape[1]
        for place, method in enumerate(("RAPID", "MAGIC")):
            cells = frame.iloc[:, 1 + place * k : 1 + (place + 1) * k]
            assert (
                cells.iloc[:-1].to_numpy().tolist() == printed.counts[method].tolist()
            )
            assert cells.iloc[-1].tolist() == printed.printed_sums[method].tolist()
        assert frame["Reader"].tolist() == [f"Doctor {n}" for n in range(1, 8)] + [
            "Sum"
        ]
    for number, question in ((6, "Q3"), (7, "Q4")):
        cells = tables[f"table_s{number}"].iloc[:, 1:]
        assert cells.to_numpy().tolist() == published.contingency[question].tolist()


def test_counts_by_reader_that_are_not_known_are_not_invented():
    result = one_question([[1, 2], [3, 4]])
    assert supplementary_tables(result)["table_s1"].shape == (2, 3)
    with pytest.raises(ValueError, match="not known for Q1"):
        counts_by_reader(result, result.questions[0])


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "-2+3"]
)
def test_text_that_a_spreadsheet_would_run_is_neutralised(text):
    assert neutralise(text) == f"'{text}"


def test_harmless_text_stays():
    assert neutralise("motion = streaks") == "motion = streaks"


ATTACK = '=HYPERLINK("http://x")<script>alert(1)</script>'


def test_free_text_is_neutral_in_csv_and_html(tmp_path):
    path = tmp_path / "responses.csv"
    cell = '"' + ATTACK.replace('"', '""') + '"'
    path.write_text(
        "reader,case,method,Q1,Q2A,Q2B,Q2C,Q2D,Q3,Q4,Q2A_reason\n"
        f"{cell},{cell},RAPID,1,0,1,1,1,1,1,{cell}\n"
        f"{cell},{cell},MAGIC,1,0,1,1,1,1,1,{cell}\n"
    )
    asked = paper_questionnaire()
    responses = read_responses(path, asked, reference="RAPID", test="MAGIC")
    study = analyse_responses(responses, title=ATTACK)
    for frame in supplementary_tables(study).values():
        for value in frame.to_numpy().ravel():
            assert not str(value).startswith("=")
    page = report_html(study, figures_of(study))
    assert "<script>alert" not in page
    assert str(escape("'" + ATTACK)) in page


def test_latex_is_escaped():
    result = one_question([[1, 2], [3, 4]])
    latex = to_latex(table_one(result), "A caption")
    assert r"\toprule" in latex
    assert r"\%" in latex
    assert not re.search(r"[^\\]%", latex)


def test_the_page_is_self_contained_and_says_what_it_is(study):
    page = report_html(study, figures_of(study))
    assert "Research use only" in page
    assert "Reconstructed data" in page
    assert "treat the pairs as independent" in page
    outside = re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page)
    assert not outside


def test_numbers_are_rounded_in_one_way():
    assert format_estimate(-0.0004) == "0.000"
    assert format_estimate(-0.0004, 4) == "-0.0004"
    assert format_estimate(float("nan")) == "undefined"
    assert format_interval(ConfidenceInterval(0, 0, "constant")) == "[no interval]"
    assert format_p(0.0004) == "<0.001"
    assert format_p(0.04) == "0.040"
    assert format_p(float("nan")) == "undefined"
    assert format_percent(PercentAgreement(0, 0)) == "undefined"


def test_an_output_folder_is_complete_or_untouched(tmp_path):
    out = tmp_path / "deep" / "out"
    with complete_or_untouched(out) as staging:
        (staging / "a.txt").write_text("new")
        assert not out.exists()
    assert (out / "a.txt").read_text() == "new"

    def fail():
        with complete_or_untouched(out) as staging:
            (staging / "a.txt").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (out / "a.txt").read_text() == "new"
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_an_output_folder_that_is_a_file_is_refused(tmp_path):
    path = tmp_path / "out"
    path.write_text("")
    for folder in (path, path / "below"):
        with pytest.raises(OutputError, match=rf"{folder}"):
            complete_or_untouched(folder).__enter__()
