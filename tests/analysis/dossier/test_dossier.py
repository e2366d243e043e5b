"""The dossier of a study: its page, its tables and its figure."""

import csv
import json
import re
import struct
from dataclasses import replace
from importlib.metadata import version

import pytest
from matplotlib.patches import FancyBboxPatch

from analysis.api import read_study
from analysis.cli import main
from analysis.dossier import checklists
from analysis.dossier.facts import KNOWN, absent_of, context_of, facts_of
from analysis.dossier.flow_figure import draw_flow, flow_rows
from analysis.dossier.network import network_facts
from analysis.dossier.writing import dossier_of
from analysis.errors import InputError
from analysis.published import reconstructed_responses_path
from reader_study.formats.flow import StudyFlow, TrialFlow
from tests.analysis.test_displays_command import write as write_displays


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_page_and_tables_list_every_item(written):
    made, folder = written
    page = (folder / "dossier.html").read_text()

    for name, part in zip(checklists.NAMES, made.parts, strict=True):
        rows = rows_of(folder / f"{name}.csv")
        assert [row["item"] for row in rows] == [one.item.number for one in part.rows]
        assert all(row["record"] or row["person"] for row in rows)
        table = page.partition(f'<h2 id="{name}"')[2].partition("<h2 id=")[0]
        numbers = re.findall(r'<th scope="row">(\w+)</th>', table)
        assert numbers == [row["item"] for row in rows]
    assert page.count('class="person"') >= made.n_person
    assert len(rows_of(folder / "requirements.csv")) == page.count("GDPR Art") + sum(
        page.count(f'"row">{law}') for law in ("21 CFR", "ICH")
    )


def test_the_record_is_in_the_answers(written):
    _, folder = written
    claim = {row["item"]: row for row in rows_of(folder / "claim_2024.csv")}

    assert "Primary: No hypothesis: Cohen's kappa of Q3" in claim["4"]["record"]
    assert "R9, excluded (moved away)" in claim["8"]["record"]
    assert "1 case withdrawn" in claim["8"]["record"]
    assert "A truth is known of 8 cases" in claim["14"]["record"]
    assert claim["44"] == {
        "item": "44", "part": "Other information", "status": "a person",
        "asks": "Who paid, and what payers decided", "record": "", "person": "funding.",
    }  # fmt: skip
    changed = "Between built and reported the program changed from 0.0.9 to "
    assert changed + version("magic-ctp") in claim["23"]["record"]
    stard = {row["item"]: row for row in rows_of(folder / "stard_ai.csv")}
    assert "positive from 3" in stard["15c"]["record"]
    assert "48 readings in responses.csv, SHA-256" in stard["40b"]["record"]
    assert stard["32"]["status"] == "does not apply"


def texts(rows):
    return [[line for box in row for line in box.lines] for row in rows]


def test_the_flow_goes_from_planned_to_analysed(study):
    context = context_of(study)
    first, taken, trials, analysed = texts(flow_rows(context))

    assert first == ["8 cases read", "4 readers added"]
    assert taken == [
        "1 case withdrawn", "3 readers and 8 cases", "take part", "1 reader left",
        "1 excluded",
    ]  # fmt: skip
    assert trials[:2] == ["Trial 1", "assigned 24, opened 24, submitted 24"]
    assert analysed[:2] == ["48 readings analysed", "24 under RAPID, 24 under MAGIC"]
    figure = draw_flow(context)
    boxes = [p for p in figure.axes[0].patches if isinstance(p, FancyBboxPatch)]
    assert len(boxes) == 8
    assert sum(box.get_linestyle() == "--" for box in boxes) == 2


def write_readings(path, methods):
    lines = ["reader,case,method,Q1"]
    lines += [
        f"R{reader},c{case},{method},{(reader * case) % 2}"
        for reader in range(3)
        for case in range(6)
        for method in methods
    ]
    path.write_text("\n".join(lines) + "\n")
    asked = {"id": "Q1", "text": "Seen?", "scale": [
        {"code": 0, "label": "no"}, {"code": 1, "label": "yes"}]}  # fmt: skip
    content = {"schema": 1, "questions": [asked]}
    path.with_name("questionnaire.json").write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("methods", [("CT",), ("CT", "MR", "US")])
def test_it_works_for_one_method_and_for_several(tmp_path, methods, capsys):
    path = write_readings(tmp_path / "responses.csv", methods)
    call = ["dossier", str(path), "--out", str(tmp_path / "out"), "--every-method"]

    assert main(call) == 0
    assert "Dossier: " in capsys.readouterr().out
    rows = rows_of(tmp_path / "out" / "grras.csv")
    assert len(rows) == 15
    assert "".join(methods)[:2] in rows[1]["record"]
    assert (tmp_path / "out" / "flow.svg").stat().st_size > 1000


def test_many_trials_are_one_box(study):
    context = context_of(study)
    six = tuple(TrialFlow(reader="R0", trial=t, assigned=2) for t in range(1, 7))
    many = replace(context, flow=StudyFlow(readings=six))
    assert texts(flow_rows(many))[2][:2] == [
        "Trial 1 to 6", "assigned 12, opened 0, submitted 0",
    ]  # fmt: skip


def write_checkpoint(path, told):
    header = {
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "__metadata__": {"magic_model": json.dumps(told)},
    }
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(24))


TOLD = {
    "recipe": {"name": "tiny", "maps": ["cbf"], "generator": {"width": 16},
               "training": {"batch_size": 8}, "loss": {"l1": 100.0},
               "data": {"size": 256}},
    "ranges": {"cbf": [0.0, 60.0]}, "validation": {"cbf": 6.66}, "seed": 1, "epoch": 9,
    "init": "",
}  # fmt: skip


def write_index(run, **splits):
    patients = [{"patient_id": name, "split": of} for name, of in splits.items()]
    (run / "slices").mkdir()
    text = json.dumps({"schema": 2, "patients": patients})
    (run / "slices" / "index.json").write_text(text)


def test_a_network_tells_of_itself(tmp_path, study):
    write_checkpoint(tmp_path / "best.safetensors", TOLD)
    facts = network_facts(tmp_path)

    assert facts["network_architecture"] == (
        "Recipe tiny: from non-contrast CT to CBF; width 16; 6 weights of the "
        "generator."
    )
    assert "no transfer learning" in facts["network_start"]
    assert "epoch 9" in facts["network_selection"]
    assert "CBF 6.66" in facts["network_performance"]
    assert "partition" not in facts
    write_index(tmp_path, a="train", b="val", c="train")
    made = dossier_of(study, tmp_path)
    claim = {row.item.number: row for row in made.parts[1].rows}
    assert claim["22"].status == "from the record"
    assert claim["20"].record == (
        "Patients of the training run: train 2, val 1, test 0; each patient is in one "
        "part only."
    )
    write_checkpoint(tmp_path / "best.safetensors", TOLD | {"init": "ab12"})
    assert "SHA-256 ab12" in network_facts(tmp_path)["network_start"]


def test_a_run_without_validation_has_its_last_checkpoint(tmp_path):
    write_checkpoint(tmp_path / "last.safetensors", TOLD | {"validation": {}})

    facts = network_facts(tmp_path)

    chosen = "The last epoch, 9; no patient was kept to choose by."
    assert facts["network_selection"] == chosen
    assert "network_performance" not in facts
    assert "--checkpoint last.safetensors" in facts["network_software"]


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"\x02" + bytes(7) + b"{}"])
def test_a_file_that_is_no_network_is_refused(tmp_path, content):
    (tmp_path / "best.safetensors").write_bytes(content)
    with pytest.raises(InputError, match="must be a checkpoint of magic-model train"):
        network_facts(tmp_path)
    with pytest.raises(InputError, match="No such file"):
        network_facts(tmp_path / "nowhere")


def test_a_checkpoint_without_a_recipe_is_refused(tmp_path):
    write_checkpoint(tmp_path / "best.safetensors", {"recipe": 3})
    with pytest.raises(InputError, match="must hold a recipe"):
        network_facts(tmp_path)


def test_no_fact_is_of_an_unknown_name(study):
    assert set(facts_of(study)) <= KNOWN


def test_readings_rebuilt_from_tables_say_little(tmp_path):
    path = str(reconstructed_responses_path())
    call = ["dossier", path, "--out", str(tmp_path / "out"), "--every-method"]

    assert main(call) == 0
    grras = {row["item"]: row for row in rows_of(tmp_path / "out" / "grras.csv")}
    assert grras["13"]["status"] == "a person"


@pytest.mark.parametrize(("display", "m"), [("side by side", 2), ("choice", 3)])
def test_it_works_for_several_pictures_at_once(tmp_path, display, m, capsys):
    which = {"id": "Q1", "type": "which", "pictures": m}
    path = write_displays(tmp_path, which, lambda shown, _: shown[0], display, m=m)
    assert main(["dossier", str(path), "--out", str(tmp_path / "out")]) == 0

    assert "a person, " in capsys.readouterr().out
    stard = {row["item"]: row for row in rows_of(tmp_path / "out" / "stard_ai.csv")}
    for item in ("15c", "16a", "27", "31"):
        assert (stard[item]["status"], stard[item]["person"]) == ("does not apply", "")
    assert "No disease was judged" in stard["31"]["record"]
    assert "no time lay between" in stard["27"]["record"]
    grras = {row["item"]: row for row in rows_of(tmp_path / "out" / "grras.csv")}
    assert "Shares of displays [95 % CI]" in grras["13"]["record"]
    assert set(facts_of(read_study(path))) | set(absent_of(read_study(path))) <= KNOWN


def test_the_flow_of_displays_counts_what_was_chosen_and_fits_its_box(tmp_path):
    which = {"id": "Q1", "type": "which", "pictures": 2}

    def not_always(shown, rng):
        return "" if rng.random() < 0.2 else shown[0]

    path = write_displays(tmp_path, which, not_always, "side by side", m=2)
    missing = sum(not r.orders for r in read_study(path).responses.readings)
    *_, (analysed,) = flow_rows(context_of(read_study(path)))

    heading, *by_pair, last = analysed.lines
    assert heading == "288 readings analysed"
    assert " ".join(by_pair) == "96 of GAN | real, 96 of flow | real, 96 of GAN | flow"
    assert max(map(len, by_pair)) <= 56
    assert last == f"0 without any answer; {missing} single answers missing"
    assert missing
