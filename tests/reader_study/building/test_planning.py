# ruff: noqa: E501 - tables of messages
"""A study before it is built: cases in long form, designs by table, previews."""

import csv
import io
import re
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from reader_study.building.builder import build_study
from reader_study.building.cases_file import read_cases
from reader_study.building.demo import TEMPLATES, write_template
from reader_study.building.planning import prepare, preview
from reader_study.building.sealing import unseal
from reader_study.building.study import open_study
from reader_study.cli import main
from reader_study.design.study_plan import check_draw
from reader_study.errors import StudyError
from tests.reader_study.material import PASSPHRASE, montage, request

PROTOCOL = """[study]
title = "T"
[readers]
number = 2
[design]
arms = ["real", "GAN"]
"""
ROWS = [
    ("a", "real", "a1.png", "x", "1"),
    ("a", "GAN", "a2.png", "x", "1"),
    ("b", "real", "b1.png", "y", "0"),
    ("b", "GAN", "b2.png", "y", "0"),
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("long")
    rng = np.random.default_rng(3)
    for row in ROWS:
        Image.fromarray(montage(rng)).save(folder / row[2])
    return folder


def write(folder, rows=ROWS, design=""):
    lines = ["case,method,image,site,truth", *(",".join(row) for row in rows)]
    (folder / "cases.csv").write_text("\n".join(lines) + "\n")
    (folder / "study.toml").write_text(PROTOCOL + design)
    return folder / "study.toml", folder / "cases.csv"


def changed(n, column, value):
    """The rows with another cell."""
    cells = list(ROWS[n])
    cells[column] = value
    return [*ROWS[:n], tuple(cells), *ROWS[n + 1 :]]


def test_cases_in_long_form_have_a_picture_by_method(pictures):
    cases = read_cases(write(pictures)[1], ("real", "GAN"))

    assert list(cases) == ["a", "b"]
    assert cases["b"].images == {
        "real": pictures / "b1.png",
        "GAN": pictures / "b2.png",
    }
    assert (cases["b"].columns, cases["b"].truth) == ({"site": "y"}, "0")
    assert cases["b"].severity == ""


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (changed(1, 1, "VAE"), "line 3: method must be one of real, GAN, got 'VAE'"),
        (changed(1, 1, "real"), "line 3: 'a' must have one picture by real, got a second"),
        (changed(1, 3, "z"), "line 3: site must be the same in all rows of 'a', got 'z' a"),
        (changed(3, 4, "1"), "line 5: truth must be the same in all rows of 'b'"),
        (changed(0, 2, "gone.png"), "line 2: "),
        (changed(0, 0, ""), "line 2: case must be given, got nothing"),
    ],
)  # fmt: skip
def test_a_wrong_row_in_long_form_is_named_with_its_line(pictures, rows, message):
    with pytest.raises(StudyError, match=re.escape(message)):
        read_cases(write(pictures, rows)[1], ("real", "GAN"))


def test_two_columns_of_pictures_hold_two_methods(pictures):
    _, path = write(pictures)
    path.write_text("case,severity,reference_image,test_image\na,x,a1.png,a2.png\n")

    assert list(read_cases(path, ("real", "GAN"))["a"].images) == ["real", "GAN"]
    with pytest.raises(
        StudyError,
        match="line 1: columns case, method and image must be"
        " there for a study of 3 arms",
    ):
        read_cases(path, ("real", "GAN", "VAE"))


@pytest.mark.parametrize(
    ("rows", "design", "message"),
    [
        (ROWS[:3], "", "line 5: design.pairing must be 'partly paired' or 'unpaired'"),
        (ROWS, 'pairing = "unpaired"', "line 7: design.pairing must be 'partly paired' or"),
        (ROWS, 'strata = ["age"]', "line 7: design.strata must be columns of cases.csv w"),
        (ROWS, 'strata = ["Q1"]', "line 7: design.strata must be columns of cases.csv, go"),
        (ROWS, "sessions = 9", "line 7: design.sessions must each have a picture for eve"),
        (ROWS, "max_run = 1\nmin_gap = 3", "line 7: design.max_run 1 and min_gap 3 must b"),
    ],
)  # fmt: skip
def test_cases_that_do_not_fill_a_design_are_named(pictures, rows, design, message):
    with pytest.raises(StudyError, match=re.escape(message)):
        preview(*write(pictures, rows, design))


TABLE = """reader,session,position,case,method
ann,1,1,a,real
ann,1,2,b,GAN
ann,1,3,a,GAN
ann,1,4,a,real
bo,1,1,b,GAN
bo,1,2,b,real
"""
OF_TABLE = 'allocation = "table"\ntable = "design.csv"\n'


def test_a_table_is_built_audited_and_sealed_as_it_is(pictures):
    write(pictures, design=OF_TABLE)
    (pictures / "design.csv").write_text(TABLE)
    built = build_study(request(pictures, PROTOCOL + OF_TABLE))
    truth = unseal(pictures / "KEY", [PASSPHRASE])
    study = open_study(pictures / "STUDY")

    assert built.audit.leaks == ()
    check_draw(study.manifest, truth, study.protocol)
    seen = {
        slot.name: [
            (truth.cells[t].case, truth.cells[t].method) for t in slot.orders[1]
        ]
        for slot in study.manifest.slots
    }
    assert seen == {
        "ann": [("a", "real"), ("b", "GAN"), ("a", "GAN"), ("a", "real")],
        "bo": [("b", "GAN"), ("b", "real")],
    }


@pytest.mark.parametrize(
    ("old", "new", "added", "message"),
    [
        ("b,GAN", "c,GAN", "", "design.csv line 3: case must be one of cases.csv, got 'c'"),
        ("a,GAN", "a,VAE", "", "line 4: method must be one of case a, real, GAN, got 'VAE'"),
        ("ann,1,4", "ann,2,1", "", "line 5: session must be 1 to 1, got 2"),
        ("bo,", "ann,", "", "position must be there once"),
        ("bo,1,2", "cy,1,1", "", "line 4: readers.number must be 3, the readers of desi"),
        ("", "", "max_run = 1", "line 9: design.max_run must hold in design.table, 1, got"),
        ("", "", "min_gap = 3", "line 9: design.min_gap must hold in design.table, 3, got"),
        (TABLE[TABLE.index("ann,1,2") :], "bo,1,1,b,GAN\n", "", "line 8: design.table must not confound the method with the reader group"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_is_refused(pictures, old, new, added, message):
    (pictures / "design.csv").write_text(TABLE.replace(old, new))
    with pytest.raises(StudyError, match=re.escape(message)):
        preview(*write(pictures, design=OF_TABLE + added))


def test_a_table_with_one_arm_always_first_is_refused_unless_accepted(pictures):
    table = ["reader,session,position,case,method"]
    for reader in ("ann", "bo"):
        arms = ("real", "real", "GAN", "GAN")
        table += [f"{reader},1,{n},{'ab'[n % 2]},{m}" for n, m in enumerate(arms, 1)]
    (pictures / "design.csv").write_text("\n".join(table) + "\n")
    with pytest.raises(
        StudyError,
        match=r"line 8: design\.table must not confound the m"
        r"ethod with the position.*mix the arms within sessions",
    ):
        preview(*write(pictures, design=OF_TABLE))
    accepted = OF_TABLE + 'accept_confounding = ["position"]\n'
    assert len(preview(*write(pictures, design=accepted)).slots) == 2


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_can_be_drawn_with_its_pictures(
    name, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--template", name, "--demo"]) == 0
    assert "cases.csv written" in capsys.readouterr().out
    assert main(["preview", "study.toml", "--cases", "cases.csv"]) == 0
    assert "readings in" in capsys.readouterr().out
    assert main(["preview", "study.toml", "--cases", "cases.csv", "--table"]) == 0
    shown = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    prepared = prepare(tmp_path / "study.toml", tmp_path / "cases.csv")
    assert {row["reader"] for row in shown} == {
        f"reader-{n + 1}" for n in range(prepared.protocol.n_places)
    }
    twice = Counter((row["reader"], row["session"], row["pseudo_id"]) for row in shown)
    assert set(twice.values()) == {1}
    text = str(shown)
    assert not any(m in text for m in (*prepared.protocol.methods, "drawn-"))


def test_a_template_is_written_over_nothing(tmp_path):
    (tmp_path / "turing.json").write_text("{}")
    with pytest.raises(StudyError, match=r"turing\.json exists already"):
        write_template(tmp_path / "study.toml", "turing")
    assert not (tmp_path / "study.toml").exists()
    with pytest.raises(
        StudyError, match="template must be one of magic, turing, three"
    ):
        write_template(tmp_path / "study.toml", "guessing")
    with pytest.raises(StudyError, match="cases must be given with a protocol"):
        preview(tmp_path / "study.toml")
