"""The tables of a report as LaTeX: every one of them compiles."""

import os
import shutil
import subprocess
from dataclasses import replace

import pandas as pd
import pytest

from analysis.report.arms.results import analyse_arms
from analysis.report.arms.writing import write_arms_report
from analysis.report.frames import to_latex
from analysis.report.latex import latex_escaped
from analysis.report.results import analyse_responses
from analysis.report.writing import write_report
from reader_study.formats.arms import Arms
from reader_study.formats.questionnaire import Choice, Questionnaire
from reader_study.formats.responses import Parsed
from tests.analysis.report.conftest import PLAN, closing_of, simulated_responses

NASTY = (
    r"50 % & more_of #1 $x$ {a} ~b ^2 \c <d> |e| [f] 'g' "
    "\u00fc \u2265 3 \u00b5m \u2013 \u201c\u03ba\u201d"
)
_PAGE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{booktabs}
\usepackage[landscape,margin=1cm]{geometry}
\begin{document}
%s
\end{document}
"""


def test_signs_of_latex_are_escaped_in_cells_headers_and_captions():
    written = to_latex(pd.DataFrame({"a_b %": ["[1 & 2]", "#3"]}), "95 % of $ & _")
    assert r"\caption{95 \% of \$ \& \_}" in written
    assert r"a\_b \%" in written
    assert r"{[}1 \& 2]" in written
    assert r"\#3" in written


def test_line_breaks_do_not_end_a_paragraph_inside_a_caption():
    assert latex_escaped("one\n\ntwo\ttabs") == "one two tabs"


def pdflatex():
    found = shutil.which("pdflatex")
    if not found and os.environ.get("CI") != "true":
        pytest.skip("pdflatex is not installed (texlive-latex-recommended)")
    assert found, "CI must have pdflatex"
    return found


def compiled(name, tables, folder):
    """Compile a page with tables and return its log; pdflatex stops at an error."""
    (folder / f"{name}.tex").write_text(
        _PAGE % "\\clearpage\n".join(tables), encoding="utf-8"
    )
    done = subprocess.run(
        [pdflatex(), "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
    )
    return done.returncode, done.stdout


def nasty_responses():
    """Answers whose questions, labels, readers, cases and methods are full of signs."""
    given = simulated_responses(n_readers=4, n_cases=8)
    asked = [
        replace(
            question,
            text=f"{question.text} {NASTY}",
            scale=tuple(
                Choice(c.code, f"{c.label} {NASTY}", c.requires_reason)
                for c in question.scale
            ),
        )
        for question in given.questionnaire
    ]
    names = {"RAPID": "RAPID_1 %", "MAGIC": "MAGIC & Co."}
    readings = [
        replace(r, method=names[r.method], reader=f"{r.reader}_#", case=f"{r.case} %")
        for r in given.readings
    ]
    return replace(
        given,
        readings=readings,
        questionnaire=Questionnaire("Nasty", "1", tuple(asked)),
        reference=names["RAPID"],
        test=names["MAGIC"],
    )


def write_two_methods(responses, folder):
    closing = closing_of(responses)
    study = analyse_responses(responses, title=NASTY, plan=PLAN, closing=closing)
    write_report(study, folder)


def write_each_method(responses, folder):
    again = [replace(r, occasion="2") for r in responses.readings[:40]]
    found = Parsed(responses.readings, again, frozenset())
    methods = (responses.reference, responses.test)
    arms = Arms(found, responses.questionnaire, methods)
    write_arms_report(analyse_arms(arms, PLAN, 0.95), folder)


@pytest.mark.slow
@pytest.mark.parametrize("write", [write_two_methods, write_each_method])
def test_every_table_of_a_report_compiles(write, tmp_path):
    pdflatex()
    write(nasty_responses(), tmp_path / "report")
    files = sorted((tmp_path / "report").glob("*.tex"))
    assert len(files) > 8
    tables = [file.read_text(encoding="utf-8") for file in files]
    if compiled("all", tables, tmp_path)[0]:
        alone = {
            f.name: compiled(f.stem, [f.read_text("utf-8")], tmp_path) for f in files
        }
        wrong = {name: log[-600:] for name, (status, log) in alone.items() if status}
        pytest.fail(f"{len(wrong)} of {len(files)} do not compile: {wrong}")


@pytest.mark.slow
def test_an_unescaped_caption_does_not_compile(tmp_path):
    table = to_latex(pd.DataFrame({"a": ["1"]}), "CAPTION").replace("CAPTION", "5 %")
    assert compiled("broken", [table], tmp_path)[0] != 0
