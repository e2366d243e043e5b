"""A machine that tells the methods by the pictures, with the readers beside it."""

import statistics

import numpy as np
import pytest

from reader_study import api
from reader_study.blinding_audit import machine
from reader_study.blinding_audit.findings import AuditReport, Cue, audit_text
from reader_study.errors import StudyError
from reader_study.formats.protocol import Protocol
from reader_study.formats.questionnaire import paper_questionnaire


def pictures(rng, n_cases, smooth):
    """Noise in colours, `smooth` steps of averaging over neighbours."""
    found = []
    for _ in range(n_cases):
        plane = rng.normal(128, 60, (40, 30, 3))
        for _ in range(smooth):
            plane = (plane + np.roll(plane, 1, axis=0) + np.roll(plane, 1, axis=1)) / 3
        scaled = 128 + (plane - plane.mean()) / plane.std() * 50  # alike but in grain
        found.append(np.clip(scaled, 0, 255).astype(np.uint8))
    return found


def machines_auc(smooth, n_cases=12):
    rng = np.random.default_rng(0)
    both = [pictures(rng, n_cases, s) for s in (0, smooth)]
    features = np.array([[machine.picture_features(p) for p in m] for m in both])
    return machine.learned_separation("", features)


def test_a_smoother_texture_is_learned_and_equal_ones_are_not(monkeypatch):
    monkeypatch.setattr(machine, "_TREES", 8)
    monkeypatch.setattr(machine, "_REPEATS", 2)
    planted, null = machines_auc(2), machines_auc(0)

    assert machines_auc(0) == null  # no chance in it
    assert planted.auc > 0.95
    assert planted.low > 0.5
    assert abs(null.auc - 0.5) < 0.25
    assert null.low < 0.55


def test_the_interval_of_a_machine_is_that_of_nadeau_and_bengio(monkeypatch):
    """Against the AUC of each part of each split, written out."""
    monkeypatch.setattr(machine, "_TREES", 2)
    features = np.random.default_rng(1).normal(size=(2, 12, 8))
    features[1, :, 0] += 1
    found = machine.learned_separation("m", features)
    rng = np.random.default_rng(28)
    splits = [rng.permutation(np.arange(12) % 5) for _ in range(6)]
    aucs = [machine._auc_of(features, s == k) for s in splits for k in range(5)]
    error = np.sqrt((1 / 30 + 1 / 4) * statistics.variance(aucs))

    assert found.auc == pytest.approx(statistics.mean(aucs))
    margin = 2.200985 * error  # qt(.975, 11) of R
    assert (found.low, found.high) == pytest.approx(
        (found.auc - margin, min(1, found.auc + margin)), abs=1e-6
    )


def test_a_machine_that_is_always_right_is_no_surer_than_so_many_cases(monkeypatch):
    monkeypatch.setattr(machine, "_TREES", 1)
    # binom.test(10, 10)$conf.int of R: 0.6915029 1
    features = np.zeros((2, 10, 3))
    features[1] = 1
    found = machine.learned_separation("m", features)
    assert (found.auc, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.6915029, abs=1e-7)


def test_where_all_is_judged_right_the_limit_is_that_of_as_many_cases():
    # binom.test(20, 20)$conf.int of R: 0.8315665 1
    found = machine.separation("x", np.ones((20, 20)))
    assert (found.auc, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.8315665, abs=1e-7)
    wrong = machine.separation("x", np.zeros((20, 20)))
    assert (wrong.low, wrong.high) == pytest.approx((0.0, 1 - 0.8315665), abs=1e-7)


def test_the_interval_is_that_of_drawing_cases():
    """Against a bootstrap written out: cases with both their pictures."""
    rng = np.random.default_rng(3)
    reference, tested = rng.normal(size=30), rng.normal(0.8, 1, size=30)
    wins = (tested[:, None] > reference).astype(float)
    found = machine.separation("x", wins)
    aucs = []
    for _ in range(4000):
        at = rng.integers(0, 30, 30)
        aucs.append((tested[at][:, None] > reference[at]).mean())

    assert found.auc == wins.mean()
    wanted = np.quantile(aucs, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx(wanted, abs=0.02)


def test_volumes_are_judged_by_what_readers_scroll_through():
    """Steps between slices, and grain within them, are what differs."""
    rng = np.random.default_rng(2)
    images = [rng.integers(0, 256, (4, 40, 30), dtype=np.uint8) for _ in range(2)]
    found = machine.volume_features(images)
    assert np.array_equal(found[: len(found) // 2], machine.volume_features(images[:1]))
    still = [image[[0, 0, 0, 0]] for image in images]
    changed = machine.volume_features(still) != found
    last = len(found) // 2 - 5
    assert changed[last : last + 5].all()
    assert np.isfinite(machine.volume_features([images[0][:1]])).all()


def test_readers_are_held_against_the_same_truth(tmp_path):
    """Of four answers each, one calls RAPID synthetic, and three MAGIC."""
    real = {("a", "c1", "RAPID"): 0, ("b", "c1", "RAPID"): 1, ("a", "c1", "MAGIC"): 0,
            ("b", "c1", "MAGIC"): 0, ("a", "c2", "RAPID"): 1, ("b", "c2", "RAPID"): 1,
            ("a", "c2", "MAGIC"): 1, ("b", "c2", "MAGIC"): 0,
            ("a", "c3", "MAGIC"): 1}  # fmt: skip
    rows = [f"{r},{c},{m},{code},,,,,," for (r, c, m), code in real.items()]
    head = "reader,case,method,Q1,Q2A,Q2B,Q2C,Q2D,Q3,Q4"
    (tmp_path / "responses.csv").write_text("\n".join([head, *rows]) + "\n")
    (tmp_path / "questionnaire.json").write_text(paper_questionnaire().to_json())
    plan = {"turing_question": "Q1"}
    protocol = Protocol(title="T", per_severity={"none": 2}, analysis=plan)
    file = tmp_path / "responses.csv"

    (found,) = machine.reader_separations(tmp_path, file, protocol)
    assert found.auc == pytest.approx(0.5 + (0.75 - 0.25) / 2)
    assert found.n_cases == 2  # c3 has an answer to one method alone
    assert found.who == "2 readers (Q1, together)"
    asked_nothing = Protocol(title="T", per_severity={"none": 2})
    assert machine.reader_separations(tmp_path, file, asked_nothing) == []
    cue = Cue("margin", "picture", "AUC", 0.5, 1.0, "exact")
    text = audit_text(AuditReport(4, (), (cue,), told_apart=(found,)))
    assert "together): AUC 0.75 (" in text


def test_the_command_of_a_library_asks_for_the_key(tmp_path):
    with pytest.raises(StudyError, match="must come with the key"):
        api.audit(tmp_path, responses=tmp_path / "responses.csv")
