"""Displays: nothing tells where a method stands."""

import json
import shutil
from dataclasses import replace

import pytest

from reader_study.blinding_audit import audit_study, displays
from reader_study.building.builder import build_study
from reader_study.building.restoring import restore_study
from reader_study.building.sealing import unseal
from reader_study.building.study import open_study
from reader_study.design.study_plan import check_draw
from reader_study.design.truth import Truth, commitment
from reader_study.formats.manifest import Manifest
from tests.reader_study import material
from tests.reader_study.test_any_study import START, write_long

ARMS = ("real", "GAN", "diffusion")
DESIGNS = {
    "side by side": (ARMS[:2], ""),
    "choice": (ARMS, ""),
    "ranking": (ARMS, "repeat = 2\nmin_gap = 2\n"),
}


def asking(kind):
    """A questionnaire about the pictures of a display."""
    kinds = {"ranking": "rank"}
    n = len(DESIGNS[kind][0])
    question = {"id": "Q1", "type": kinds.get(kind, "which"), "pictures": n}
    return json.dumps({"schema": 2, "version": "1", "questions": [question]})


def text_of(kind):
    arms, more = DESIGNS[kind]
    named = ", ".join(f'"{arm}"' for arm in arms)
    start = START.format(n=4).replace("[study]", '[study]\nquestionnaire = "q.json"')
    return f'{start}[design]\narms = [{named}]\ndisplay = "{kind}"\n{more}'


@pytest.fixture(scope="module", params=DESIGNS)
def built(request, tmp_path_factory):
    """A study of each kind of display, its truth and its montages."""
    folder = tmp_path_factory.mktemp("display")
    write_long(folder, DESIGNS[request.param][0], n_cases=30)
    (folder / "q.json").write_text(asking(request.param))
    built = build_study(material.request(folder, text_of(request.param)))
    assert built.audit.leaks == ()
    return folder, unseal(folder / "KEY", [material.PASSPHRASE])


def edited(folder, truth, change):
    """Change the manifest's content and audit it with a truth that fits."""
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    Manifest.from_dict(content)
    return audit_study(folder, truth)


@pytest.fixture
def study(built, tmp_path):
    folder, truth = built
    shutil.copytree(folder / "STUDY", tmp_path / "STUDY")
    return tmp_path / "STUDY", truth


@pytest.mark.slow
def test_a_display_is_drawn_again_and_restored_to_the_byte(built, study):
    folder, truth = study
    found = open_study(folder)
    check_draw(found.manifest, truth, found.protocol)
    before = {p.name: p.read_bytes() for p in (folder / "images").iterdir()}
    for path in list((folder / "images").iterdir())[1:]:
        path.unlink()

    assert restore_study(folder, truth, built[0]).left == ()
    assert {p.name: p.read_bytes() for p in (folder / "images").iterdir()} == before


@pytest.mark.slow
def test_the_reference_always_on_the_left_is_found(study):
    folder, truth = study
    cells = {
        token: replace(cell, shown=tuple(sorted(cell.shown, key="GAN".__ne__)))
        for token, cell in truth.cells.items()
    }
    other = Truth(truth.study_id, truth.salt, cells, truth.details)
    report = edited(
        folder, other, lambda content: content.update(commitment=commitment(other))
    )

    assert report.leaks[0].startswith("places: group-1, GAN | ")
    assert "GAN stands [" in report.leaks[0]


@pytest.mark.slow
def test_names_in_the_order_of_places_are_found(study):
    folder, truth = study

    def rename(content):
        shown = content["presentations"]
        shown.sort(key=lambda p: truth.cells[p["token"]].shown[0] != "GAN")
        for number, one in enumerate(shown):
            one["pseudo_id"] = f"CCC-{number:03}"
        content["presentations"] = sorted(shown, key=lambda p: p["token"])

    told = edited(folder, truth, rename).leaks
    assert any(leak.startswith("pseudo-ID") and displays.TELLS in leak for leak in told)


@pytest.mark.slow
def test_an_order_in_the_order_of_places_is_found(study):
    folder, truth = study

    def sort(content):
        for slot in content["slots"]:
            for trial, order in slot["orders"].items():
                key = lambda token: truth.cells[token].shown[0] != "GAN"  # noqa: E731
                slot["orders"][trial] = sorted(order, key=key)

    told = edited(folder, truth, sort).leaks
    assert any(leak.startswith("position") and displays.TELLS in leak for leak in told)


# -- Without and with an aid


AIDED = """[design]
arms = ["unaided", "aided"]
display = "aided"
[analysis]
turing_question = ""
acceptability_questions = []
ordinal_questions = []
truth_positive = ["infarct"]
rating = "Q1"
"""


@pytest.fixture(scope="module")
def built_aided(tmp_path_factory):
    """A study with an aid, half of whose cases are diseased, its truth and montages."""
    folder = tmp_path_factory.mktemp("aided")
    write_long(folder, ("unaided", "aided"), n_cases=30)
    header, *rows = (folder / "cases.csv").read_text().splitlines()
    truths = [("infarct", "healthy")[n // 2 % 2] for n in range(len(rows))]
    told = [f"{row},{value}" for row, value in zip(rows, truths, strict=True)]
    (folder / "cases.csv").write_text("\n".join([f"{header},truth", *told]) + "\n")
    scale = [{"code": n, "label": f"step {n}"} for n in (1, 2, 3)]
    asked = {"schema": 2, "version": "1", "questions": [{"id": "Q1", "scale": scale}]}
    (folder / "q.json").write_text(json.dumps(asked))
    start = START.format(n=2).replace("[study]", '[study]\nquestionnaire = "q.json"')
    built = build_study(material.request(folder, start + AIDED))
    assert built.audit.leaks == ()
    return folder, unseal(folder / "KEY", [material.PASSPHRASE])


@pytest.fixture
def aided(built_aided, tmp_path):
    folder, truth = built_aided
    shutil.copytree(folder / "STUDY", tmp_path / "STUDY")
    return tmp_path / "STUDY", truth


def ordered_by(key):
    """Put both steps of a case, as they are, where the key of its case says."""

    def change(content):
        for slot in content["slots"]:
            for trial, order in slot["orders"].items():
                pairs = sorted(zip(order[::2], order[1::2], strict=True), key=key)
                slot["orders"][trial] = [token for pair in pairs for token in pair]

    return change


@pytest.mark.slow
def test_with_an_aid_an_order_by_truth_or_by_name_is_found(aided):
    folder, truth = aided
    of = truth.standard

    def sick(pair):
        return of[truth.cells[pair[0]].case]["truth"] != "infarct"

    (leak,) = edited(folder, truth, ordered_by(sick)).leaks
    assert leak.startswith("position of the diseased")
    assert "the truth" in leak
    by_name = ordered_by(lambda pair: truth.cells[pair[0]].case)
    leaks = edited(folder, truth, by_name).leaks
    assert any(leak.startswith("position and name of the case") for leak in leaks)


@pytest.mark.slow
def test_with_an_aid_pseudo_ids_by_truth_are_found(aided):
    folder, truth = aided

    def rename(content):
        shown = content["presentations"]
        cells, of = truth.cells, truth.standard
        shown.sort(key=lambda p: of[cells[p["token"]].case]["truth"] != "infarct")
        for number, one in enumerate(shown):
            one["pseudo_id"] = f"CCC-{number:03}"
        content["presentations"] = sorted(shown, key=lambda p: p["token"])

    leaks = edited(folder, truth, rename).leaks
    assert any("of the diseased" in leak and "the truth" in leak for leak in leaks)


@pytest.mark.slow
@pytest.mark.parametrize("swapped", [(0, 1), (1, 2)])
def test_an_aid_that_comes_before_its_time_is_found(aided, swapped):
    """The aid first, or the second steps of two cases exchanged."""
    folder, truth = aided
    one, other = swapped

    def swap(content):
        order = next(iter(content["slots"][0]["orders"].values()))
        order[one], order[other] = order[other], order[one]

    leaks = edited(folder, truth, swap).leaks
    assert leaks[0].startswith("steps: reader-1, trial 1: ")
    assert "at place 1 must be a case without the aid and then with it" in leaks[0]


@pytest.mark.slow
def test_with_an_aid_a_truth_that_is_written_anywhere_is_found(aided):
    folder, truth = aided

    def note(content):
        content["presentations"][0]["image"] = "infarct.png"

    image = folder / "images"
    first = json.loads((folder / "manifest.json").read_text())["presentations"][0]
    (image / first["image"]).rename(image / "infarct.png")
    leaks = edited(folder, truth, note).leaks
    assert any(leak.startswith("words") and "or a truth" in leak for leak in leaks)
