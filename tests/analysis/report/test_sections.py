"""What holds for every section of a report, and every file made from them."""

import json

import numpy as np
import pytest
from docx import Document

from analysis.report.methods import ALWAYS, cited, parts_of, sources
from analysis.report.results import pictures_of
from analysis.report.sections.reader_matrix import _figure, _Matrix
from analysis.report.writing import write_report


@pytest.fixture(scope="module")
def folder(simulated, tmp_path_factory):
    place = tmp_path_factory.mktemp("report") / "out"
    write_report(simulated, place)
    return place


def test_every_section_says_something_and_how_it_was_found(simulated):
    assert len({section.id for section in simulated.sections}) >= 2
    for section in simulated.sections:
        assert section.refused or (section.findings and section.content), section.id
        for sentence in (*section.findings, *section.methods):
            assert sentence.endswith("."), sentence


def test_names_of_files_are_given_once(simulated):
    tables = [t.name for section in simulated.sections for t in section.tables]
    names = tables + [picture.name for picture in pictures_of(simulated)]
    assert len(names) == len(set(names))


def test_tables_hold_text_only(simulated):
    for section in simulated.sections:
        for table in section.tables:
            cells = table.frame.to_numpy().ravel()
            assert all(isinstance(cell, str) for cell in cells), table.name


def test_every_source_is_known_and_cited_once(simulated):
    listed = cited(parts_of(simulated))
    assert len(listed) == len(set(listed)) >= len(ALWAYS)
    for section in simulated.sections:
        assert set(section.references) <= sources().keys()


@pytest.mark.slow
def test_tables_and_figures_are_written_in_every_format(folder, simulated):
    for section in simulated.sections:
        for table in section.tables:
            assert (folder / f"{table.name}.csv").stat().st_size
            assert "toprule" in (folder / f"{table.name}.tex").read_text()
        for picture in section.pictures:
            for suffix in ("png", "svg", "pdf"):
                assert (folder / f"{picture.name}.{suffix}").stat().st_size


@pytest.mark.slow
def test_the_page_and_results_json_have_every_section(folder, simulated):
    page = (folder / "report.html").read_text()
    inference = json.loads((folder / "results.json").read_text())["inference"]
    for section in simulated.sections:
        assert f'<h2 id="{section.id}">' in page
        assert f'href="#{section.id}"' in page
        assert section.id in inference
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert 'src="http' not in page


@pytest.mark.slow
def test_the_word_document_says_on_every_page_what_it_is(folder, simulated):
    document = Document(str(folder / "report.docx"))
    assert len(document.sections) == 1
    header = document.sections[0].header.paragraphs[0].text
    assert "Simulated data" in header
    assert "Research use only" in header
    headings = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    first = ["Primary result", "Further planned endpoints", "Every question"]
    first += ["Deviations", "Methods", "References", "Supplement", "Agreement"]
    assert headings[: len(first)] == first
    titles = [section.title for section in simulated.sections]
    assert headings[len(first) :] == titles
    n_tables = sum(len(section.tables) for section in simulated.sections)
    in_front = 3  # answer beside figure, planned endpoints, every question
    table_one = 2  # crossed, and as in the paper
    n_expected = in_front + table_one + len(simulated.questions) + n_tables
    assert len(document.tables) == n_expected


def test_long_names_of_readers_differ_in_the_matrix_of_readers():
    readers = ["neurordiologist-1", "neurordiologist-2", "ann"]
    found = {name: _Matrix(np.eye(3), np.eye(3)) for name in "ABCDE"}
    axes = _figure(found, readers).axes
    named = [[text.get_text() for text in ax.get_xticklabels()] for ax in axes[:5]]
    short = ["\u2026diologist-1", "\u2026diologist-2", "ann"]
    assert named == [[], short, short, short, short]  # none where a panel is below
    assert [text.get_text() for text in axes[0].get_yticklabels()] == short
    assert not axes[1].get_yticklabels()
