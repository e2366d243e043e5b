"""What makes a report quick changes nothing in it."""

import json
import re
import warnings
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from analysis.charts import typeface
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


def _alone(figure, folder, suffix):
    """Save a figure as matplotlib does, laid out beforehand; return the file."""
    metadata = {"png": None, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    path = folder / f"alone.{suffix}"
    figure.savefig(path, metadata=metadata[suffix])
    return path


def test_a_figure_drawn_once_for_all_formats_is_what_each_format_draws(tmp_path):
    with figures.house_style():
        figure = Figure(figsize=(3, 2.5), layout="constrained")
        ax = figure.subplots()
        ax.set(xlabel="below", ylabel="beside")
        ax.set_yticks([0, 1], ["a rather long name", "b"])
        ax.plot([0, 3], [0, 1], marker="s", color="#b2182b")  # cut off at the right
        ax.set_xlim(0, 2)
        ax.fill_between([0, 1], [0, 0.5], [0.2, 0.9], alpha=0.3)
        ax.imshow([[0.0, 0.5], [0.7, 1.0]], extent=(1.2, 1.8, 0, 0.4), aspect="auto")
        figures.save_figure(figure, tmp_path, "one")
        dpi = mpl.rcParams["savefig.dpi"]
        # Their own layout of texts differs by parts of a pixel.
        png = [
            np.asarray(Image.open(path).convert("L"), float)
            for path in (tmp_path / "one.png", _alone(figure, tmp_path, "png"))
        ]
        assert png[0].shape == png[1].shape == (2.5 * dpi, 3 * dpi)
        assert np.abs(png[0] - png[1]).mean() < 2  # of 255
        for suffix in ("svg", "pdf"):
            paths = tmp_path / f"one.{suffix}", _alone(figure, tmp_path, suffix)
            one, alone = (path.read_bytes() for path in paths)
            assert len(one) == pytest.approx(len(alone), rel=0.02)
            if suffix == "svg":
                tags = [re.findall(rb"<(\w+)", text) for text in (one, alone)]
                assert tags[0] == tags[1]


def test_a_pdf_holds_the_letters_of_the_cut_font_and_others_of_the_whole(tmp_path):
    whole, cut = mpl.rcParams["font.family"], typeface.families()
    assert typeface.families() == cut
    assert cut[-1] == whole[0] or whole == ["sans-serif"]
    with figures.house_style(), warnings.catch_warnings():
        warnings.simplefilter("error")  # a letter that no font has
        figure = Figure(figsize=(2, 1))
        figure.text(0.1, 0.5, "Agreement \u2265 \u03ba")
        figures.save_figure(figure, tmp_path, "latin")
        figure.text(0.1, 0.2, "\u0416")  # Cyrillic
        figures.save_figure(figure, tmp_path, "other")
    names = [
        set(re.findall(rb"/BaseFont /\S*\+(\S+)", (tmp_path / name).read_bytes()))
        for name in ("latin.pdf", "other.pdf")
    ]
    assert names == [{b"DejaVuSansofreports"}, {b"DejaVuSansofreports", b"DejaVuSans"}]
    assert "DejaVu Sans of reports" not in mpl.rcParams["font.family"]


def test_the_readings_of_the_benchmark_can_be_read(tmp_path):
    path = tmp_path / "responses.csv"
    write_readings(path, 3, 4)
    asked = paper_questionnaire()
    found = read_responses(path, asked, reference="RAPID", test="MAGIC")
    assert len(found.readings) == 24
    assert all("without a reason" in note for note in found.notes)
    assert json.dumps(found.readers) == '["reader-001", "reader-002", "reader-003"]'
