"""What makes a report quick changes nothing in it."""

import json
from dataclasses import replace

import pytest
from fontTools import subset
from matplotlib.figure import Figure

from analysis.report import figures
from analysis.report.results import Choices, analyse_responses
from analysis.report.section import side_by_side
from analysis.report.writing import write_report
from benchmarks.report_speed import write_readings
from reader_study.formats.questionnaire import paper_questionnaire
from reader_study.formats.responses import read_responses
from tests.analysis.report.conftest import PLAN, closing_of


def _twice(number):
    return 2 * number


def test_side_by_side_gives_each_by_its_name():
    assert side_by_side(1, _twice, {"a": (1,), "b": (4,)}) == {"a": 2, "b": 8}


@pytest.mark.slow
def test_two_processors_give_the_same_report(responses, tmp_path):
    written = []
    for jobs in (1, 2):
        study = analyse_responses(
            replace(responses, simulated=False),
            title="A study",
            plan=PLAN,
            closing=closing_of(responses),
            chosen=Choices(jobs=jobs),
        )
        write_report(study, tmp_path / str(jobs), jobs=jobs)
        written.append(
            {
                file.name: file.read_bytes()
                for file in (tmp_path / str(jobs)).iterdir()
                if file.suffix in {".json", ".csv", ".svg", ".html", ".tex"}
            }
        )
    assert written[0].keys() == written[1].keys()
    for name, content in written[0].items():
        assert content == written[1][name], name


def test_a_figure_is_laid_out_once_for_all_formats(tmp_path):
    figure = Figure(layout="constrained")
    figure.subplots().set_ylabel("outside\nof the axes\nby default")
    engine, laid_out = figure.get_layout_engine(), []
    execute = engine.execute
    engine.execute = lambda of: laid_out.append(of) or execute(of)
    before = figure.axes[0].get_position().x0
    figures.save_figure(figure, tmp_path, "one")
    assert len(laid_out) == 1
    assert figure.axes[0].get_position().x0 != before
    assert {file.suffix for file in tmp_path.iterdir()} == {".png", ".svg", ".pdf"}


def test_fonts_are_lean_within_the_house_style_only():
    before = list(subset.Options().drop_tables)
    with figures.house_style():
        assert {"GPOS", "GSUB"} <= set(subset.Options().drop_tables)
    assert subset.Options().drop_tables == before


def test_the_readings_of_the_benchmark_can_be_read(tmp_path):
    path = tmp_path / "responses.csv"
    write_readings(path, 3, 4)
    asked = paper_questionnaire()
    found = read_responses(path, asked, reference="RAPID", test="MAGIC")
    assert len(found.readings) == 24
    assert all("without a reason" in note for note in found.notes)
    assert json.dumps(found.readers) == '["reader-001", "reader-002", "reader-003"]'
