"""Volumes: built, sealed, audited, read, damaged, restored."""

import csv
import hashlib
import io
import json
import os
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from reader_study import api
from reader_study.blinding_audit import audit_study, machine
from reader_study.building.builder import build_study
from reader_study.building.restoring import restore_study
from reader_study.building.sealing import unseal
from reader_study.building.study import open_study
from reader_study.building.volumes import SEAL, decode, encode, read_volume
from reader_study.errors import DamagedPictureError, StudyError
from reader_study.formats.manifest import Manifest, Panel, VolumeFile, Volumes
from reader_study.formats.protocol import parse_protocol
from reader_study.reading.answers import AnswersError, check_seen
from reader_study.reading.reading_session import ReadingSession
from reader_study.running.lifecycle import open_for_reading
from reader_study.store.readings import find_views
from reader_study.store.verifying import verify
from tests.reader_study.material import PASSPHRASE, request
from tests.reader_study.practising import PRACTISING
from tests.reader_study.stacks import PANELS, SHAPE, STACK, write_stacks, write_volume

GOOD = {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1, "Q3": 2, "Q4": 4}
LIMITS = {"int16": (-(2**15), 2**15), "uint8": (0, 256)}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stacks")
    write_stacks(folder)
    build_study(request(folder, STACK, jobs=1))
    return folder, unseal(folder / "KEY", [PASSPHRASE])


@pytest.fixture
def place(built, tmp_path):
    """A copy of the study, with the content of its key."""
    folder, truth = built
    return shutil.copytree(folder / "STUDY", tmp_path / "STUDY"), truth, folder


@given(
    st.tuples(*[st.integers(1, 4)] * 3),
    st.lists(st.sampled_from(["int16", "uint8"]), min_size=1, max_size=8),
    st.integers(0, 2**32),
)
@settings(max_examples=30, deadline=None)
def test_a_container_gives_back_what_was_put_in(shape, kinds, seed):
    rng = np.random.default_rng(seed)
    images = tuple(rng.integers(*LIMITS[k], shape).astype(k) for k in kinds)
    affine = rng.normal(size=(4, 4))
    panels = tuple(Panel(f"P{n}", "", kind, 0.0, 1.0) for n, kind in enumerate(kinds))
    layout = Volumes(*shape, panels, {})

    content = encode(affine, images) + bytes(SEAL)
    found = decode(content, layout)

    assert np.array_equal(found.affine, affine)
    assert all(map(np.array_equal, found.images, images))
    with pytest.raises(StudyError, match="no header"):
        decode(content + b"x", layout)


def test_slices_come_one_after_another_with_all_their_panels(built):
    folder, truth = built
    study = open_study(folder / "STUDY")
    layout = study.manifest.volumes
    assert (layout.slices, layout.rows, layout.columns) == SHAPE
    assert layout.layout() == {
        "slices": 3, "rows": 4, "columns": 5, "panels": tuple(PANELS),
    }  # fmt: skip
    for p in study.manifest.presentations:
        cell = truth.cells[p.token]
        method = "reference" if cell.method == "RAPID" else "test"
        source = read_volume(folder / "volumes" / f"{cell.case}_{method}.npz")
        content = study.volume_bytes(p.token)
        at = 128
        for k in range(3):
            for image, kind in zip(source.images, ("<i2", "u1"), strict=True):
                wanted = image[k].astype(kind).tobytes()
                assert content[at : at + len(wanted)] == wanted
                at += len(wanted)
        assert len(content) == at + SEAL


def test_files_have_one_length_one_time_and_random_names(built):
    folder, _ = built
    files = sorted((folder / "STUDY" / "volumes").iterdir())
    assert len(files) == 12
    assert all(re.fullmatch(r"[0-9a-f]{32}\.bin", file.name) for file in files)
    assert len({(f.stat().st_size, f.stat().st_mtime_ns) for f in files}) == 1
    # The same volume in two trials, and yet no two files are equal.
    contents = [file.read_bytes() for file in files]
    assert len(set(contents)) == 12
    assert len({content[:-SEAL] for content in contents}) == 6


def flip(path, at=200):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_a_damaged_volume_is_named_and_restored_to_the_same_bytes(place):
    study, truth, montages = place
    before = {p: p.read_bytes() for p in study.rglob("*.*")}
    first, second = sorted((study / "volumes").iterdir())[:2]
    practice = next((study / "training").glob("*.bin"))
    flip(first)
    flip(practice)
    second.unlink()

    damage = open_study(study).damage()
    assert [name in " ".join(damage) for name in (first.name, practice.name)] == [
        True
    ] * 2
    with pytest.raises(DamagedPictureError):
        open_study(study).volume_bytes(first.stem)
    assert any(first.name in leak for leak in audit_study(study, truth).leaks)
    assert len(restore_study(study, truth).left) == 3

    assert len(restore_study(study, truth, montages).files) == 3
    assert {p: p.read_bytes() for p in study.rglob("*.*")} == before


def rewritten(study, change):
    """Rewrite one container, and the manifest as its builder would have done."""
    path = study / "manifest.json"
    manifest = Manifest.from_dict(json.loads(path.read_text()))
    files = dict(manifest.volumes.files)
    name, file = min(files.items(), key=lambda item: item[1].volume)
    place = study / "volumes" / file.volume
    times = place.stat()
    content = change(place.read_bytes())
    place.write_bytes(content)
    os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))
    sha256 = hashlib.sha256(content).hexdigest()
    files[name] = VolumeFile(file.volume, sha256, len(content))
    changed = replace(manifest, volumes=replace(manifest.volumes, files=files))
    path.write_text(changed.to_json())


def with_a_header(study):
    rewritten(study, lambda content: content[:200] + b"PATIENT " + content[200:])


def with_an_affine_of_its_own(study):
    rewritten(study, lambda content: np.float64(0.9).tobytes() + content[8:])


def with_a_time_of_its_own(study):
    os.utime(min((study / "volumes").iterdir()), (1, 1))


def with_another_file(study):
    (study / "volumes" / "notes.txt").write_text("x")


def with_the_end_of_another(study):
    end = max((study / "volumes").iterdir()).read_bytes()[-SEAL:]
    rewritten(study, lambda content: content[:-SEAL] + end)


@pytest.mark.parametrize(
    ("leak", "plant"),
    [
        ("volume bytes, length and header", with_a_header),
        ("volume affine", with_an_affine_of_its_own),
        ("volume times", with_a_time_of_its_own),
        ("files in volumes", with_another_file),
        ("repeated volume bytes", with_the_end_of_another),
    ],
)
def test_the_audit_finds_each_planted_leak(place, leak, plant):
    study, *_ = place
    assert audit_study(study).leaks == ()
    plant(study)
    assert [text.split(":")[0] for text in audit_study(study).leaks] == [leak]


@pytest.mark.slow
def test_the_audit_measures_slices_against_the_methods(tmp_path, monkeypatch):
    write_stacks(tmp_path)
    for path in (tmp_path / "volumes").glob("*_test.npz"):
        given = dict(np.load(path))
        given["panel_1"] //= 2  # fewer levels, lower mean, none of the montage's doing
        np.savez(path, **given)
    built = build_study(request(tmp_path, STACK, jobs=1))
    report = built.audit
    aucs = {cue.name: cue.value for cue in report.cues if cue.level == "picture"}
    assert aucs["volume mean of CBF"] == 0
    assert 0 < aucs["volume mean of NCCT"] < 1
    assert {"volume fine detail of CBF", "volume step between slices of CBF"} <= set(
        aucs
    )
    # The montages are noise by either method; what the machine learns is the stacks'.
    truth = unseal(tmp_path / "KEY", [PASSPHRASE])
    judged = tmp_path / "STUDY", built.manifest, truth, ("RAPID", "MAGIC")
    assert machine.machine_separation(*judged) is None  # of three cases
    monkeypatch.setattr(machine, "LEAST_CASES", 3)
    monkeypatch.setattr(machine, "_TREES", 5)
    monkeypatch.setattr(machine, "_REPEATS", 1)
    found = machine.machine_separation(*judged)
    assert found.auc == 1
    assert "features of each volume" in found.who


def missing(folder):
    text = (folder / "cases.csv").read_text()
    (folder / "cases.csv").write_text(text.replace("reference_volume", "other"))


def other_shape(folder):
    write_volume(
        folder / "volumes/patient-001_test.npz",
        np.random.default_rng(1),
        shape=(4, 4, 5),
    )


def other_kind(folder):
    panels = [PANELS[0], PANELS[1] | {"dtype": "int16"}]
    write_volume(
        folder / "volumes/patient-001_test.npz", np.random.default_rng(1), panels
    )


def no_volume(folder):
    (folder / "volumes/patient-001_test.npz").write_text("no archive")


@pytest.mark.slow
def test_all_rows_of_a_montage_can_be_asked_for(tmp_path):
    write_stacks(tmp_path)
    text = STACK.replace('viewer = "stack"', 'viewer = "montage"')
    with pytest.raises(StudyError, match=r"2 to 6 columns .*, got pictures of 30 x 40"):
        build_study(request(tmp_path, text, jobs=1))
    for place in (tmp_path / "montages", tmp_path / "practice"):
        for path in place.glob("*.png"):
            image = Image.open(path).convert("RGB")
            wide = image.resize((480, 40)).tobytes()  # two rows of five panels of 96
            Image.frombytes("RGB", (480, 219), wide.ljust(3 * 480 * 219, b"x")).save(
                path
            )
    build_study(request(tmp_path, text, jobs=1))
    with api.open_study(tmp_path / "STUDY") as opened:
        opened.simulate(tmp_path / "KEY", passphrase=PASSPHRASE)
        opened.export(tmp_path / "masked.csv", by="cora")
        first = next(csv.DictReader(io.StringIO((tmp_path / "masked.csv").read_text())))
        assert set(json.loads(first["seen"])["slices"]) == {"1", "2"}
        session = ReadingSession(opened.study, opened.store, first["reader"])
        token = opened.study.manifest.presentations[0].token
        with pytest.raises(AnswersError, match=r"All 2 rows must .*, 1 was not: 2"):
            session.submit(token, GOOD, {}, seen={"slices": {"1": 3.0}})
        (tmp_path / "STUDY/images" / f"{token}.png").unlink()
        assert opened.study.n_slices(token) == 0


def untrained(folder):
    text = (folder / "training.csv").read_text()
    (folder / "training.csv").write_text(text.replace("volumes/practice-1.npz", ""))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (missing, "must have a volume of every case and method in cases.csv"),
        (other_shape, "must have the slices, rows and columns of"),
        (other_kind, "must have the panels of"),
        (no_volume, "must be the volume of a case that can be read"),
        (untrained, "training.csv line 2: volume must be a file"),
    ],
)
def test_what_cannot_be_scrolled_through_is_not_built(tmp_path, spoil, message):
    write_stacks(tmp_path)
    spoil(tmp_path)
    with pytest.raises(StudyError, match=message):
        build_study(request(tmp_path, STACK, jobs=1))
    assert not (tmp_path / "STUDY").exists()
    assert not (tmp_path / "KEY").exists()


def test_settings_of_a_stack_are_named_with_their_line_and_move_no_old_hash():
    plain = parse_protocol(PRACTISING, "study.toml")
    assert (plain.viewer, plain.measures) == ("montage", False)
    asked = parse_protocol(
        f'{PRACTISING}\n[reading]\nviewer = "montage"\n', "study.toml"
    )
    assert asked.sha256 == plain.sha256
    assert parse_protocol(STACK, "study.toml").sha256 != plain.sha256
    line = PRACTISING.count("\n") + 3
    with pytest.raises(
        StudyError, match=f"study.toml line {line}.*measures must be fal"
    ):
        parse_protocol(f"{PRACTISING}\n[reading]\nmeasures = true\n", "study.toml")


@pytest.mark.slow
def test_bots_read_it_and_what_they_saw_is_in_the_responses(place):
    study, _, folder = place
    damaged = min((study / "volumes").iterdir())
    with api.open_study(study) as opened:
        opened.simulate(folder / "KEY", passphrase=PASSPHRASE)
        flip(damaged)  # stops nothing
        assert opened.damage()
        opened.export(folder / f"{study.parent.name}.csv", by="cora")
    rows = list(
        csv.DictReader(io.StringIO((folder / f"{study.parent.name}.csv").read_text()))
    )
    seen = json.loads(rows[0]["seen"])
    assert seen["window_changes"] == 0
    assert set(seen["slices"]) == {"1", "2", "3"}


def test_every_slice_is_asked_for_and_a_damaged_stack_can_be_declined(place):
    study, *_ = place
    with api.open_study(study) as opened:
        for name in ("anna", "ben"):
            opened.add_reader(name, specialty="neuroradiologist", years=9, by="cora")
        open_for_reading(opened.study, opened.store, by="cora", clock=opened.clock)
        session = ReadingSession(opened.study, opened.store, "anna")
        session.training.skip()
        reading = session.next_reading()
        assert session.volume(reading.token) == opened.study.volume_bytes(reading.token)
        for seen, left in (
            (None, "3 were not: 1, 2, 3"),
            ({"slices": {"1": 2, "3": 0}}, "1 was not: 2"),
        ):
            with pytest.raises(AnswersError, match=f"All 3 slices must .*, {left}"):
                session.submit(reading.token, GOOD, {}, seen=seen)
        seen = {"slices": {"1": 2, "2": 0.123, "3": 1}, "window_changes": 4}
        first = session.submit(reading.token, GOOD, {}, seen=seen)
        assert session.submit(reading.token, GOOD, {}, seen=seen) == first
        with opened.store.reading() as connection:
            (kept,) = find_views(connection).values()
        assert json.loads(kept) == {
            "slices": {"1": 2, "2": 0.12, "3": 1}, "window_changes": 4,
        }  # fmt: skip
        correct_with_views(opened, session, reading.token, json.loads(kept))

        token = session.next_reading().token
        flip(study / "volumes" / f"{token}.bin")
        with pytest.raises(DamagedPictureError):
            session.volume(token)
        session.decline(token, "cannot be shown")
        assert opened.status().n_deviations == 1
        assert verify_store(opened) == ()


def correct_with_views(opened, session, token, first):
    """A correction keeps its own view, once; not all is asked for again."""
    again, other = {"slices": {"2": 0.5}}, GOOD | {"Q4": 2}
    for _ in range(2):
        session.correct(token, other, {}, why="a slip", seen=again)
    session.correct(token, GOOD, {}, why="no slip")
    with pytest.raises(AnswersError, match="seconds by slice"):
        session.correct(token, other, {}, why="x", seen={"slices": 2})
    file = opened.study.folder.parent / "seen.csv"
    opened.export(file, by="cora")
    rows = csv.DictReader(io.StringIO(file.read_text()))
    seen = [json.loads(row["seen"] or "0") for row in rows]
    assert seen == [first, again | {"window_changes": 0}, 0]


def verify_store(opened):
    with opened.store.reading() as connection:
        return verify(connection).faults


@pytest.mark.parametrize(
    "given",
    [
        [],
        {},
        {"slices": {"0": 1}},
        {"slices": {"4": 1}},
        {"slices": {"1": -1}},
        {"slices": {"1": float("nan")}},
        {"slices": {"1": True}},
        {"slices": {}, "window_changes": 1.5},
        {"slices": {}, "more": 1},
    ],
)
def test_what_was_seen_must_be_seconds_by_slice(given):
    with pytest.raises(AnswersError, match="must be seconds by slice, 1 to 3"):
        check_seen(given, 3)
