"""What an evaluation of generated maps says to the scorecard's criteria."""

import csv
import json

import pytest

from analysis.cli import main
from analysis.dossier import checklists
from analysis.dossier.facts import OF_IMAGES
from analysis.dossier.images import image_facts
from analysis.dossier.writing import dossier_of
from analysis.errors import InputError

METRICS = {"ssim_in_brain": "cbf", "central_volume_residual": None}


def summary(method, metric, mean, group="all", low=None, high=None):
    return {
        "group": group, "method": method, "map": METRICS[metric], "metric": metric,
        "n": 3, "mean": mean, "low": low, "high": high,
    }  # fmt: skip


def looks(method, auc, low=None, high=None, of="all maps", finest=None):
    return {
        "method": method, "map": of, "power 0.01-0.04": 0.9, "power 0.2-0.5": finest,
        "machine_auc": auc, "low": low, "high": high, "features": "random, seed 0",
        "kernel_distance": auc / 10,
    }  # fmt: skip


def patient(**values):
    figures = [
        {"method": method, "map": None, "metric": "core_ml", "value": value}
        for method, value in values.items()
    ]
    return {"patient_id": "p", "figures": figures}


EVALUATION = {
    "schema": 1,
    "methods": ["magic"],
    "maps": ["cbf"],
    "groups": {"all": 3, "none": 2, "mild_moderate": 0, "severe": 1},
    "summaries": [
        summary("magic", "ssim_in_brain", 0.91234, low=0.9, high=0.93),
        summary("magic", "ssim_in_brain", 0.95, group="none"),
        summary("magic", "ssim_in_brain", 0.84, group="severe"),
        summary("magic", "ssim_in_brain", None, group="mild_moderate"),
        summary("black", "ssim_in_brain", 0.1, low=0.1, high=0.1),
        summary("magic", "central_volume_residual", 0.135, low=0.129, high=0.142),
        summary("measured", "central_volume_residual", 0.025, low=0.02, high=0.03),
    ],
    "realism": [
        looks("magic", 0.3, of="cbf", finest=0.45),
        looks("magic", 0.97, low=0.9, high=1.0),
        looks("measured, two halves", 0.52),
    ],
    "likeness": {"magic": 0.4, "measured": 0.38},
    "patients": [patient(magic=0.0, measured=2.0), patient(magic=61.2, measured=80.0)],
}


@pytest.fixture
def evaluation(tmp_path):
    (tmp_path / "evaluation.json").write_text(json.dumps(EVALUATION))
    return tmp_path


def test_each_criterion_has_its_figures_beside_the_measured_ones(evaluation):
    facts = image_facts(evaluation)
    begins = "Maps of 3 patients (magic-model evaluate). magic: "

    assert facts == {
        "images_congruence": f"{begins}SSIM in the brain CBF 0.912 (0.9 to 0.93); AUC "
        "of a forest that tells generated from measured patches 0.97 (0.9 to 1), of "
        "halves of the measured 0.52; kernel distance 0.097 in features random, seed "
        "0, of halves of the measured 0.052.",
        "images_coverage": f"{begins}core of 0 to 61 mL, measured 2 to 80 mL; power of "
        "finest detail, 1 as measured, CBF 0.45; likeness to the nearest patch of the "
        "training patients 0.4, of measured maps 0.38.",
        "images_constraint": f"{begins}CBV = CBF x MTT / 60 is missed by 0.135 (0.129 "
        "to 0.142) mL/100g, of measured maps 0.025.",
        "images_consistency": f"{begins}SSIM in the brain, severity none (2), CBF "
        "0.95; SSIM in the brain, severity severe (1), CBF 0.84.",
    }
    assert set(facts) == set(OF_IMAGES)
    assert image_facts(evaluation / "evaluation.json") == facts


def test_what_was_not_measured_is_left_to_a_person(tmp_path, study):
    less = EVALUATION | {"realism": [], "summaries": [], "patients": []}
    del less["likeness"]
    (tmp_path / "evaluation.json").write_text(json.dumps(less))

    assert image_facts(tmp_path) == {}
    rows = scorecard(dossier_of(study, evaluation=tmp_path))
    assert "CBV = CBF x MTT / 60 holds: --evaluation" in rows["3"].person


def scorecard(made):
    (part,) = [p for p in made.parts if p.checklist.name == "SMD scorecard"]
    return {row.item.number: row for row in part.rows}


def test_the_scorecard_is_filled_from_an_evaluation(evaluation, study):
    without, with_it = (
        scorecard(dossier_of(study, evaluation=given)) for given in (None, evaluation)
    )

    for number in "1237":
        assert "--evaluation" in without[number].person
        assert "magic-model evaluate" not in without[number].record
        assert "--evaluation" not in with_it[number].person
        assert "magic-model evaluate" in with_it[number].record
    assert with_it["1"].status == "from the record"
    assert with_it["3"].status == "in part"


@pytest.mark.slow
def test_the_command_takes_an_evaluation(evaluation, unblinded, capsys):
    out = evaluation / "dossier"
    call = ["dossier", str(unblinded), "--out", str(out)]

    assert main([*call, "--evaluation", str(evaluation)]) == 0
    with (out / "smd_scorecard.csv").open(newline="") as file:
        third = list(csv.DictReader(file))[2]
    assert "of measured maps 0.025" in third["record"]
    assert main([*call, "--evaluation", str(evaluation / "nowhere")]) == 2
    assert "nowhere: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", ["[]", "{}", "no", json.dumps(EVALUATION | {"schema": 2})]
)
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / "evaluation.json").write_text(content)
    with pytest.raises(InputError, match=r"must be evaluation\.json of magic-model"):
        image_facts(tmp_path)


def test_a_person_adds_what_no_fact_says_yet():
    item = checklists.Item(
        number="1", part="T", asks="A", facts=("a",), until={"a": "x."}, person="p."
    )
    of = checklists.Checklist(
        name="N", title="T", source="S", about="A", n_items=1, n_rows=1, item=(item,)
    )

    (unknown,) = checklists.answered(of, {})
    (known,) = checklists.answered(of, {"a": "A."})
    assert (unknown.status, unknown.person) == ("a person", "x. p.")
    assert (known.status, known.person, known.record) == ("in part", "p.", "A.")
