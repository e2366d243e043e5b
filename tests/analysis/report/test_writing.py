"""A whole report of a small study: one question, four readers, eight patients."""

import html
import json
from itertools import product

from docx import Document

from analysis.report.arms.results import analyse_arms
from analysis.report.arms.writing import write_arms_report
from analysis.report.results import analyse_responses
from analysis.report.writing import write_report
from reader_study.formats.arms import Arms
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.questionnaire import Question, Questionnaire
from reader_study.formats.responses import Parsed, Reading, Responses

ASKED = Questionnaire(
    "1", "Small", [Question.of("Q1", "A core?", (1, 2), ("No", "Yes"))]
)
ASSUMED = "2 answers 'yes' were understood as code 2."


def small_study(methods=("RAPID", "MAGIC")):
    """Two readers of four answer otherwise in one patient under the second method."""
    readings = []
    for line, (reader, case, method) in enumerate(product("ABCD", range(8), methods)):
        other = reader in "CD" and case == 3 and method == methods[-1]
        code = 1 + ((case % 2 == 0) != other)
        readings.append(Reading(line + 2, reader, f"case-{case}", method, {"Q1": code}))
    return readings


def text_of(path):
    """What a Word document says: on every page, then in its paragraphs and tables."""
    document = Document(str(path))
    headers = [p.text for part in document.sections for p in part.header.paragraphs]
    tables = [c.text for t in document.tables for row in t.rows for c in row.cells]
    return "\n".join([*headers, *(p.text for p in document.paragraphs), *tables])


def page_and_word(folder):
    """Both documents say whose data they show, and how the file was understood."""
    page = html.unescape((folder / "report.html").read_text())
    word = text_of(folder / "report.docx")
    for said in (page, word):
        assert "research use only" in said.casefold()
        assert "imulated" in said
        assert ASSUMED in said
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    return page, word


def test_a_report_is_written_whole_and_says_what_was_assumed(tmp_path):
    responses = Responses(
        small_study(), ASKED, "RAPID", "MAGIC", simulated=True, assumed=(ASSUMED,)
    )
    write_report(analyse_responses(responses, title="Small"), tmp_path / "out")
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["questions"]["Q1"]["counts"] == [[14, 2], [0, 16]]
    assert results["assumed"] == [ASSUMED]
    for said in page_and_word(tmp_path / "out"):
        assert "93.75%" in said  # 30 of 32
    for name in ("table1.csv", "table1.tex", "forest.pdf", "agreement_charts.png"):
        assert (tmp_path / "out" / name).stat().st_size


def test_a_report_of_two_methods_by_themselves_is_written_whole(tmp_path):
    found = Parsed(small_study(("CT", "MR")), (), frozenset({"simulated"}), (ASSUMED,))
    study = analyse_arms(Arms(found, ASKED, ("CT", "MR")), AnalysisPlan(), 0.95)
    write_arms_report(study, tmp_path / "out")
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["schema"] == 2
    assert results["arms"].keys() == {"CT", "MR"}
    for said in page_and_word(tmp_path / "out"):
        assert "4 readers rated 8 patients under CT" in said
