"""Marks that no browser can have drawn: one refusal each, and nothing is lost."""

import csv
import json
import shutil
from datetime import UTC, datetime

import numpy as np
import pytest

from reader_study.building.builder import build_study
from reader_study.building.study import open_study
from reader_study.formats.asking.marks import Grid, Mark, marks_of, text_of
from reader_study.reading.answers import AnswersError
from reader_study.reading.reading_session import ReadingSession
from reader_study.rehearsal.simulation import SimulatedClock
from reader_study.running.lifecycle import open_for_reading
from reader_study.running.registry import Profile, add_reader
from reader_study.running.study_store import open_study_store
from reader_study.store.readings import find_responses
from tests.reader_study import material
from tests.reader_study.every_type import MARKED
from tests.reader_study.material import CANVAS, COUNTS, write_cases
from tests.reader_study.practising import SMALL
from tests.reader_study.stacks import SHAPE, write_volume

AFFINE = np.diag([0.8, 0.8, 5.0, 1])
STACK = Grid(5, 4, slices=3, panels=("NCCT", "CBF"), affine=tuple(AFFINE.ravel()))
SAID = {"label": "core", "confidence": 3}


def stacked(folder, path):
    """Add a volume to each picture of cases.csv."""
    rng = np.random.default_rng(5)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for method in ("reference", "test"):
            row[f"{method}_volume"] = f"volumes/{row['case']}_{method}.npz"
            write_volume(folder / row[f"{method}_volume"], rng)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module", params=["montage", "stack"])
def shown(request):
    return request.param


@pytest.fixture(scope="module")
def built(shown, tmp_path_factory):
    folder = tmp_path_factory.mktemp("marked")
    (folder / "own.json").write_text(json.dumps(MARKED))
    path = write_cases(folder, dict.fromkeys(COUNTS, 1), spare=0)
    text = SMALL.replace('"paper"', '"own.json"').split("[analysis]")[0]
    if shown == "stack":
        stacked(folder, path)
        text += '\n[reading]\nviewer = "stack"\n'
    build_study(material.request(folder, text, jobs=1))
    return folder / "STUDY"


@pytest.fixture
def session(built, tmp_path):
    study = open_study(shutil.copytree(built, tmp_path / "STUDY"))
    clock = SimulatedClock(datetime(2026, 3, 1, 9, tzinfo=UTC))
    store = open_study_store(study, clock=clock)
    for name in ("anna", "ben"):
        profile = Profile(name, "neuroradiologist", 1)
        add_reader(study, store, profile, by="Eve", clock=clock)
    open_for_reading(study, store, by="Eve", clock=clock)
    yield ReadingSession(study, store, "anna", clock=clock)
    store.close()


def drawn(session, **changes):
    """Answers with a mark that a browser can have drawn, or with changes made to it."""
    mark = {"x": 2.5, "y": 1.5} | SAID
    if session.study.manifest.volumes:
        mark |= {"slice": 2, "panel": "CBF", "mm": [1.6, 0.8, 5.0]}
    mark = {k: v for k, v in (mark | changes).items() if v is not None}
    return {"grade": 1, "site": json.dumps([mark])}


def forged(session):
    """Changes to a mark, and what is said of them."""
    height, width = CANVAS
    found = [
        ({"x": 1e4}, "must lie within the picture"),
        ({"width": 60.0, "height": 1.0}, "must lie within the picture"),
        ({"y": 1.0, "width": 1.0, "height": 60.0}, "must lie within the picture"),
        ({"picture": 1}, "must have its picture, left out, got 1"),
    ]
    if not session.study.manifest.volumes:
        size = f"{width} x {height} pixels, got x 30.1, y 1.5"
        return [
            *found,
            ({"x": width + 0.1}, f"mark 1 must lie within the picture, {size}"),
            ({"slice": 1}, "must have its slice, left out, got 1"),
            ({"mm": [1.6, 0.8, 5.0]}, "must have no panel and no mm"),
        ]
    return [
        *found,
        ({"slice": 4}, "must have its slice, one of 3, got 4"),
        ({"slice": None}, "must have its slice, one of 3, got none"),
        ({"slice": 3}, r"must be at 1.60, 0.80, 10.00 mm in the patient, got 1.6, 0.8"),
        ({"mm": [1.6, 0.9, 5.0]}, r"must be at 1.60, 0.80, 5.00 mm in the patient"),
        ({"mm": None}, "in the patient, got none"),
        ({"panel": "MTT"}, "must be in one of NCCT, CBF, got 'MTT'"),
    ]


def test_what_was_drawn_is_stored_and_what_was_not_is_refused(session):
    reading = session.next_reading()
    session.save_draft(reading.token, drawn(session), {})
    kept = session.next_reading().draft.answers
    for changes, said in forged(session):
        for store in (session.save_draft, session.submit):
            with pytest.raises(AnswersError, match=said) as caught:
                store(reading.token, drawn(session, **changes), {})
            assert str(caught.value).startswith("site: mark 1 must")
            assert str(caught.value).endswith("; nothing was stored")
        again = session.next_reading()
        assert (again.token, again.draft.answers) == (reading.token, kept)
    session.submit(reading.token, drawn(session), {})
    changes, said = forged(session)[0]
    moved = drawn(session, **changes)
    with pytest.raises(AnswersError, match=said):
        session.correct(reading.token, moved, {}, why="another place")
    with session.store.reading() as connection:
        (stored,) = find_responses(connection)
    assert marks_of(stored.answers["site"]) == marks_of(drawn(session)["site"])


def test_a_picture_that_is_gone_keeps_no_answer_from_being_stored(session):
    reading = session.next_reading()
    for folder in ("images", "volumes"):
        for path in (session.study.folder / folder).glob("*"):
            path.write_bytes(b"")
    session.submit(reading.token, drawn(session, x=3.5), {})
    assert session.progress().n_answered == 1


@pytest.mark.parametrize(
    ("grid", "mark", "said"),
    [
        (Grid(900, 700), Mark(900, 700), ""),
        (Grid(900, 700), Mark(900.01, 700), ""),  # by rounding
        (Grid(900, 700), Mark(900.1, 700), "must lie within"),
        (Grid(900, 700), Mark(800, 600, 100, 100), ""),
        (Grid(900, 700), Mark(800, 600, 100, 100.1), "x 800, y 600, 100 x 100.1"),
        (Grid(450, 700, pictures=2), Mark(1, 1, picture=2), ""),
        (Grid(450, 700, pictures=2), Mark(1, 1, picture=3), "one of 2, got 3"),
        (Grid(450, 700, pictures=2), Mark(1, 1), "one of 2, got none"),
        (Grid(450, 700, pictures=2), Mark(451, 1, picture=1), "450 x 700 pixels"),
    ],
)
def test_the_picture_has_room_or_not(grid, mark, said):
    assert said in grid.fault(mark)
    assert bool(said) == bool(grid.fault(mark))


def test_a_place_in_the_patient_is_the_affines_also_where_it_is_turned():
    rng = np.random.default_rng(2)
    for _ in range(200):
        affine = np.vstack([rng.normal(0, 3, (3, 4)), [0, 0, 0, 1]])
        grid = Grid(
            60, 50, slices=SHAPE[0], panels=("NCCT",), affine=(*affine.ravel(),)
        )
        x, y, wide, high = rng.uniform(0.5, 25, 4)
        # As a browser does it: mm of the middle, and then all is rounded.
        middle = np.array([x + wide / 2 - 0.5, y + high / 2 - 0.5, 1, 1])
        numbers = [round(n, 2) for n in (x, y, wide, high)]
        mm = (affine @ middle)[:3]
        mark = Mark(*numbers, slice=2, panel="NCCT", mm=tuple(np.round(mm, 2)))
        assert grid.fault(mark) == ""
        shifted = tuple(np.round(mm + np.abs(affine[:3, :2]).sum(axis=1) + 0.1, 2))
        other = Mark(*numbers, slice=2, panel="NCCT", mm=shifted)
        assert "mm in the patient" in grid.fault(other)


@pytest.mark.parametrize("grid", [STACK, Grid(5, 4), Grid(5, 4, pictures=3)])
def test_what_a_bot_marks_is_put_where_it_can_be(grid):
    for mark in (Mark(32, 32), Mark(28, 28, 2, 2), Mark(1, 1)):
        placed = grid.placed(mark)
        assert grid.fault(placed) == ""
        assert marks_of(text_of([placed])) == (placed,)
    assert grid.fault(Mark(32, 32))
