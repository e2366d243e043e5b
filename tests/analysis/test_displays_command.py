"""`magic-analyze report` of several pictures at once, from file to page."""

import csv
import json
from itertools import combinations, product

import numpy as np
import pytest

from analysis.api import DisplayStudy, read_study
from analysis.cli import main
from reader_study.formats.checking import FormatError

ARMS = ("real", "GAN", "flow")
READERS = [f"Reader {n}" for n in range(8)]


def write(folder, question, answer, display, *, m=3, **more):
    """Write a study of 8 readers and 12 cases with what `answer` says of a display."""
    rng = np.random.default_rng(7)
    questions = [question, {"id": "Q2", "scale": [{"code": 1}, {"code": 2}]}]
    content = {"schema": 2, "title": "T", "version": "1", "questions": questions}
    (folder / "questionnaire.json").write_text(json.dumps(content))
    plan = {"schema": 1, "title": "Shown together", "reference": "real", "test": "GAN",
            "tests": ["GAN", "flow"], "display": display,
            "analysis": more.get("analysis", {})}  # fmt: skip
    (folder / "plan.json").write_text(json.dumps(plan))
    rows = []
    sets = combinations(ARMS, m)
    for reader, case, one in product(READERS, range(12), sets):
        shown = rng.permutation(one).tolist()
        rows += [[reader, case, "", "", " | ".join(shown), answer(shown, rng), 1]]
        if case < more.get("again", 0):
            rows += [[reader, case, 2, "", " | ".join(shown[::-1]), rows[-1][5], 2]]
    with (folder / "responses.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["reader", "case", "repeat", "method", "shown", "Q1", "Q2"])
        writer.writerows(rows)
    return folder / "responses.csv"


def results(path, capsys):
    out = path.parent / "report"
    assert main(["report", str(path), "--out", str(out)]) == 0
    page = (out / "report.html").read_text()
    assert "Shown together" in page
    assert (out / "report.docx").stat().st_size > 5000
    found = json.loads((out / "results.json").read_text())["inference"]
    return found["pictures_Q1"], capsys.readouterr().out, page


def flow_first(shown, rng):
    return "flow" if "flow" in shown and rng.random() < 0.95 else shown[0]


def test_a_preference_is_reported_with_its_level(tmp_path, capsys):
    which = {"id": "Q1", "type": "which", "pictures": 2, "tie": "Alike"}
    path = write(tmp_path, which, flow_first, "side by side", m=2, again=3)

    found, printed, page = results(path, capsys)

    assert [pair["methods"] for pair in found["pairs"]] == [
        ["real", "GAN"], ["real", "flow"], ["GAN", "flow"],
    ]  # fmt: skip
    assert found["pairs"][1]["share"]["estimate"] > 0.8
    assert found["again"]["estimate"] == 1
    assert "at the level of 95 % for all pairs together (Holm): " in printed
    assert "flow before real" in printed
    assert "Bradley and Terry [" in page


@pytest.mark.slow
def test_a_ranking_is_reported(tmp_path, capsys):
    def random(shown, rng):
        return " > ".join(rng.permutation(shown).tolist())

    rank = {"id": "Q1", "type": "rank", "pictures": 3}
    found, printed, page = results(write(tmp_path, rank, random, "ranking"), capsys)

    assert sum(found["places"]) == 96
    assert found["type"] == "rank"
    assert "No two methods differ at the level of 95 %" in printed
    assert "Plackett and Luce [" in page


def test_a_choice_is_held_against_chance(tmp_path, capsys):
    def right(shown, rng):
        return "real" if rng.random() < 0.9 else shown[0]

    which = {"id": "Q1", "type": "which", "pictures": 3}
    found, printed, _ = results(write(tmp_path, which, right, "choice"), capsys)

    assert (found["m"], found["target"]) == (3, "real")
    assert found["correct"]["low"] > 1 / 3
    assert sum(one["correct"] for one in found["by_reader"]) == round(
        96 * found["correct"]["estimate"]
    )
    assert "more than by chance at the level of 95 %" in printed


def everything(path):
    out = path.parent / "report"
    assert main(["report", str(path), "--out", str(out)]) == 0
    return json.loads((out / "results.json").read_text())["inference"], out


def test_the_plan_of_a_preference_is_answered_on_the_page_in_front(tmp_path, capsys):
    which = {"id": "Q1", "type": "which", "pictures": 2, "tie": "Alike"}
    primary = {"question": "Q1", "measure": "preferred", "claim": "differs"}
    second = {"question": "Q1", "measure": "preferred", "claim": "equivalent"}
    plan = {"primary": primary, "endpoints": [{**second, "margin": 0.2}]}
    path = write(
        tmp_path, which, flow_first, "side by side", m=2, analysis=plan
    )  # nothing is planned of GAN against flow

    found, out = everything(path)

    gan, flow = found["primary"]["results"]
    assert (gan["methods"], flow["methods"]) == (["real", "GAN"], ["real", "flow"])
    assert (gan["decision"], flow["decision"]) == ("not shown", "shown")
    shares = {tuple(p["methods"]): p["share"] for p in found["pictures_Q1"]["pairs"]}
    assert flow["estimate"] == shares["real", "flow"]["estimate"]
    assert flow["adjusted_p_value"] >= 2 * min(flow["p_value"], 0.5)
    assert [e["decision"] for e in found["family"]["endpoints"]] == ["not shown"] * 2
    assert "shown for real and flow" in capsys.readouterr().out
    page = (out / "report.html").read_text()
    for said in ("Primary result", "Reporting checklist", "flow was put before real"):
        assert said in page
    assert page.count('class="prose"') == 2  # both checklists, read from the left
    assert found["checklist"]["grras"]["2"].startswith("Methods: real (reference)")
    assert (out / "endpoints.csv").is_file()


def test_what_is_found_is_planned_against_chance(tmp_path):
    def right(shown, rng):
        return "real" if rng.random() < 0.9 else shown[0]

    which = {"id": "Q1", "type": "which", "pictures": 3}
    plan = {
        "primary": {"question": "Q1", "measure": "found", "claim": "differs"},
        "endpoints": [
            {
                "question": "Q1",
                "measure": "found",
                "claim": "equivalent",
                "margin": 0.1,
            },
            {"question": "Q1", "measure": "preferred", "claim": "differs"},
        ],
    }
    found, out = everything(write(tmp_path, which, right, "choice", analysis=plan))

    (primary,) = found["primary"]["results"]
    assert primary["methods"] == ["real"]
    assert primary["decision"] == "shown"
    assert primary["p_value"] == found["pictures_Q1"]["p_value"]
    (bound,) = found["family"]["endpoints"]
    assert bound["decision"] == "not shown"
    (left_out,) = found["family"]["left_out"]
    assert "It needs no pictures of which one is to be found" in left_out
    page = (out / "report.html").read_text()
    assert "33.3 % is guessing; 96 displays, 8 readers and 12 patients." in page


def test_answers_are_checked_line_by_line(tmp_path):
    which = {"id": "Q1", "type": "which", "pictures": 2}
    path = write(tmp_path, which, lambda shown, _: shown[1], "side by side", m=2)
    study = read_study(path)
    assert isinstance(study, DisplayStudy)
    assert study.methods == ARMS
    assert study.questions == ("Q1", "Q2")
    assert repr(study.responses) in repr(study)

    good = path.read_text()
    for wrong, message in (
        (
            "Ann,0,,,real | GAN,flow,1",
            "line 2: Q1 must be one of real, GAN, got 'flow'",
        ),
        ("Ann,0,,,real | real,real,1", "line 2: shown must be two or more methods"),
        ("Ann,0,,,real | GAN,real,7", "line 2: Q2 must be one of 1, 2 or empty, got"),
        (",0,,,real | GAN,real,1", "line 2: reader must not be empty"),
    ):
        lines = good.splitlines()
        path.write_text("\n".join([lines[0], wrong, *lines[2:]]))
        with pytest.raises(FormatError, match=message.replace("|", r"\|")):
            read_study(path)
    path.write_text("reader,case,shown\nAnn,1,real | GAN\n")
    with pytest.raises(FormatError, match="column Q1 is missing"):
        read_study(path)
    path.write_text(good.splitlines()[0])
    with pytest.raises(FormatError, match="has a header but no readings"):
        read_study(path)


def test_what_is_of_one_picture_refuses_several(tmp_path, capsys):
    which = {"id": "Q1", "type": "which", "pictures": 2}
    path = write(tmp_path, which, lambda shown, _: shown[1], "side by side", m=2)
    assert main(["deposit", str(path), "--out", str(tmp_path / "d")]) == 2
    assert "must hold readings of one picture at a time" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["report", "dossier", "deposit"])
def test_several_pictures_are_not_read_by_method(command, tmp_path, capsys):
    which = {"id": "Q1", "type": "which", "pictures": 2}
    path = write(tmp_path, which, lambda shown, _: shown[1], "side by side", m=2)
    call = [command, str(path), "--out", str(tmp_path / "d"), "--every-method"]
    assert main(call) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "one picture at a time to be read by method, got several at once" in said
