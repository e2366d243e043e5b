from collections import Counter
from itertools import product

import numpy as np
import pytest
from PIL import Image

from reader_study.blinding_audit import AuditReport, Cue
from reader_study.building import builder
from reader_study.building.builder import build_study
from reader_study.building.cases_file import read_cases
from reader_study.building.pictures import read_montage
from reader_study.building.png import pixels_of, read_chunks
from reader_study.building.sealing import unseal
from reader_study.building.study import open_study
from reader_study.design.design import generator
from reader_study.design.study_plan import check_draw, plan_study
from reader_study.design.truth import Truth, TruthCell, commitment
from reader_study.errors import StudyError
from reader_study.formats.protocol import template
from tests.reader_study.material import (
    COUNTS,
    PASSPHRASE,
    paper_text,
    request,
    write_cases,
    written_forms,
)

SMALL = template().replace("min_distance = 3", "min_distance = 1")
for _severity, _count in COUNTS.items():
    SMALL = SMALL.replace(f"{_severity} = {_count}", f"{_severity} = 1")


@pytest.fixture(scope="module", params=["balanced", "paper"])
def built(request_of, request):
    """A built study of 20 cases: its folder and its truth."""
    return request_of(request.param)


@pytest.fixture(scope="module")
def request_of(tmp_path_factory):
    def build(mode):
        folder = tmp_path_factory.mktemp(mode)
        write_cases(folder)
        text = paper_text() if mode == "paper" else None
        build_study(request(folder, text))
        return folder, unseal(folder / "KEY", [PASSPHRASE])

    return build


def test_a_study_opens_and_holds_what_the_protocol_asks_for(built):
    folder, truth = built
    study = open_study(folder / "STUDY")
    groups = len({slot.group for slot in study.manifest.slots})

    assert len(study.manifest.presentations) == groups * 2 * 20
    assert len(study.manifest.slots) == 7
    assert study.manifest.commitment == commitment(truth)
    assert study.manifest.study_id == truth.study_id
    drawn = {cell.case: cell.severity for cell in truth.cells.values()}
    assert Counter(drawn.values()) == COUNTS
    assert study.database_url == f"sqlite:///{folder / 'STUDY' / 'study.sqlite'}"


def test_each_picture_is_to_the_bit_what_the_key_says(built):
    folder, truth = built
    study = open_study(folder / "STUDY")
    cases = read_cases(folder / "cases.csv", ("RAPID", "MAGIC"))
    for token, cell in truth.cells.items():
        shown = pixels_of(read_chunks(study.image_bytes(token)))
        image = cases[cell.case].images[cell.method]
        assert (shown == read_montage(image)).all()


def test_each_reader_sees_both_methods_of_each_case(built):
    folder, truth = built
    manifest = open_study(folder / "STUDY").manifest
    for slot in manifest.slots:
        seen = Counter(
            (truth.cells[token].case, truth.cells[token].method)
            for order in slot.orders.values()
            for token in order
        )
        assert set(seen.values()) == {1}
        assert len(seen) == 40


def test_files_are_alike_and_no_two_the_same(built):
    folder, _ = built
    files = list((folder / "STUDY" / "images").iterdir())

    assert len({path.stat().st_size for path in files}) == 1
    assert {path.stat().st_mtime for path in files} == {946684800}
    assert len({path.read_bytes() for path in files}) == len(files)


def test_no_byte_names_a_case_a_source_or_a_method(built):
    """But study.toml, which names the methods by design (design.md section 5)."""
    folder, truth = built
    words = {"RAPID", "MAGIC", str(folder)}
    for source in truth.details["sources"]:
        words |= {source["case"], source["path"], source["path"].split("/")[-1]}
    everything = {
        path: path.name.encode() + path.read_bytes()
        for path in (folder / "STUDY").rglob("*")
        if path.is_file()
    }
    for word in words:
        forms = written_forms(word)
        for path, content in everything.items():
            if path.name == "study.toml" and word in {"RAPID", "MAGIC"}:
                continue
            assert not any(form in content for form in forms), (word, path.name)


def test_the_key_is_what_protocol_and_nonce_draw(built):
    folder, truth = built
    study = open_study(folder / "STUDY")
    check_draw(study.manifest, truth, study.protocol)

    details = truth.details | {"nonce": "another"}
    with pytest.raises(StudyError, match="nonce in the key must be the one"):
        check_draw(
            study.manifest,
            Truth(truth.study_id, truth.salt, truth.cells, details),
            study.protocol,
        )
    with pytest.raises(StudyError, match="the one that protocol and nonce draw"):
        check_draw(
            study.manifest,
            Truth(truth.study_id, truth.salt, {}, truth.details),
            study.protocol,
        )


@pytest.mark.slow
def test_what_anybody_sees_does_not_redraw_the_allocation(built):
    folder, truth = built
    study = open_study(folder / "STUDY")
    available = truth.details["available"]
    for guess in (study.manifest.nonce, study.manifest.commitment, ""):
        plan = plan_study(available, study.protocol, guess)
        assert plan.cells.keys().isdisjoint(truth.cells)


@pytest.fixture
def small(tmp_path):
    """Material for a study of three cases."""
    write_cases(tmp_path, dict.fromkeys(COUNTS, 1), spare=0)
    return tmp_path


def test_brute_force_over_allocations_needs_the_salt(small):
    build_study(request(small, SMALL.replace("number = 7", "number = 1")))
    truth = unseal(small / "KEY", [PASSPHRASE])
    manifest = open_study(small / "STUDY").manifest
    by_trial = {
        (truth.cells[p.token].case, p.trial): p.token for p in manifest.presentations
    }
    cases = sorted({case for case, _ in by_trial})

    def matches(salt):
        found = 0
        for first in product(("RAPID", "MAGIC"), repeat=len(cases)):
            cells = {}
            for case, method in zip(cases, first, strict=True):
                other = "MAGIC" if method == "RAPID" else "RAPID"
                for trial, shown in ((1, method), (2, other)):
                    token = by_trial[case, trial]
                    severity = truth.cells[token].severity
                    cells[token] = TruthCell(case, shown, severity)
            guess = Truth(truth.study_id, salt, cells, truth.details)
            found += commitment(guess) == manifest.commitment
        return found

    # The attacker even knows all else that the key holds.
    assert matches(truth.salt) == 1
    assert matches("") == matches("00" * 32) == matches(manifest.nonce) == 0


def test_two_builds_of_the_same_material_have_nothing_in_common(small):
    tokens = []
    for name in ("one", "two"):
        build = request(small, SMALL, out=small / name, key=small / f"{name}.key")
        build_study(build)
        manifest = open_study(small / name).manifest
        tokens.append(
            {p.token for p in manifest.presentations}
            | {manifest.study_id, manifest.nonce}
        )

    assert tokens[0].isdisjoint(tokens[1])


def test_nothing_is_written_over(small):
    build_study(request(small, SMALL))
    before = (small / "KEY").read_bytes()
    with pytest.raises(
        StudyError, match="STUDY exists already and is not written over"
    ):
        build_study(request(small, SMALL))
    with pytest.raises(StudyError, match="KEY exists already and is not written over"):
        build_study(request(small, SMALL, out=small / "OTHER"))
    assert (small / "KEY").read_bytes() == before
    assert not (small / "OTHER").exists()


@pytest.mark.parametrize("key", ["STUDY/KEY", "STUDY", "STUDY/../STUDY/deep/KEY"])
def test_the_key_must_lie_outside_the_study(small, key):
    with pytest.raises(StudyError, match="must lie outside the study"):
        build_study(request(small, SMALL, key=small / key))


def test_a_folder_that_is_not_there_is_named_before_any_work(small):
    with pytest.raises(StudyError, match="nowhere must be a folder, got none"):
        build_study(request(small, SMALL, key=small / "nowhere" / "KEY"))


def damaged(folder):
    (folder / "montages" / "case001_generated.png").write_bytes(b"no picture")


def enlarged(folder):
    path = folder / "montages" / "case001_generated.png"
    Image.fromarray(np.zeros((41, 30, 3), dtype=np.uint8)).save(path)


def leaking(folder):
    text = (folder / "study.toml").read_text()
    (folder / "study.toml").write_text(f"# patient-001 is interesting\n{text}")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (damaged, r"case001_generated\.png: must be a PNG"),
        (enlarged, r"case001_generated\.png must have the canvas"),
        (leaking, r"would unblind: words: study\.toml holds the name of a case"),
    ],
)
def test_a_build_that_fails_leaves_nothing_behind(small, spoil, message):
    wish = request(small, SMALL)
    before = sorted(path.name for path in small.iterdir())
    spoil(small)
    with pytest.raises(StudyError, match=message):
        build_study(wish)
    assert sorted(path.name for path in small.iterdir()) == before


@pytest.mark.parametrize("times", [1, 2])
def test_a_draw_that_tells_by_chance_is_made_once_more(small, monkeypatch, times):
    cue = Cue("position", "file", "AUC", 1.0, 1e-11, "exact")
    reports = iter([AuditReport(12, (), (cue,))] * times + [AuditReport(12, ())])

    def audited(folder, truth, *, jobs):
        return next(reports)

    monkeypatch.setattr(builder, "audit_study", audited)
    if times == 2:
        with pytest.raises(StudyError, match="it would unblind: position tells"):
            build_study(request(small, SMALL))
        assert not (small / "STUDY").exists()
        return
    found = build_study(request(small, SMALL)).discarded

    assert "it would unblind: position tells the methods" in found
    details = unseal(small / "KEY", [PASSPHRASE]).details
    assert details["discarded_draw"] == found


def test_a_full_disk_leaves_nothing_behind(small, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    wish = request(small, SMALL)
    before = sorted(path.name for path in small.iterdir())
    monkeypatch.setattr("reader_study.building.pictures.os.utime", full)
    with pytest.raises(StudyError, match=r"cannot be written \(No space left"):
        build_study(wish)
    assert sorted(path.name for path in small.iterdir()) == before


def test_a_study_that_cannot_take_its_place_takes_back_the_key(small, monkeypatch):
    def taken(*_):
        raise OSError(39, "Directory not empty", str(small / "STUDY"))

    monkeypatch.setattr("reader_study.building.builder.Path.rename", taken)
    with pytest.raises(StudyError, match=r"STUDY: cannot be written \(Directory not"):
        build_study(request(small, SMALL))
    assert not (small / "KEY").exists()
    assert not (small / ".STUDY.partial").exists()


def test_what_a_killed_build_left_is_in_nobodys_way(small):
    (small / ".STUDY.partial" / "images").mkdir(parents=True)
    (small / ".STUDY.partial" / "images" / "half.png").write_bytes(b"half")
    build_study(request(small, SMALL))
    open_study(small / "STUDY")
    assert not (small / ".STUDY.partial").exists()


def test_a_questionnaire_of_its_own_comes_along(small):
    own = '{"name": "own", "version": "1", "questions": [{"id": "A", "text": "?", '
    own += '"choices": [{"code": 1, "label": "x"}, {"code": 2, "label": "y"}]}]}'
    (small / "own.json").write_text(own)
    text = SMALL.replace('"paper" ', '"own.json" ', 1)
    with pytest.raises(StudyError, match="turing_question must be one of A, got 'Q1'"):
        build_study(request(small, text))
    build_study(request(small, text[: text.index("[analysis]")]))

    assert open_study(small / "STUDY").questionnaire.ids == ("A",)


def test_too_few_cases_are_named(small):
    with pytest.raises(StudyError, match="severity mild_moderate must be 6, got 1"):
        build_study(request(small))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("severity", "grade", "line 1: column severity is missing"),
        (
            "patient-001",
            "patient-000",
            "line 3: case must be there once, got 'patient-",
        ),
        ("patient-001", "", "line 3: case must be given, got nothing"),
        ("mild_moderate", " ", "line 3: severity must be given"),
        ("case001_generated", "gone", r"line 3: .*gone\.png must be a file, got none"),
    ],
)
def test_a_wrong_row_of_the_cases_is_named_with_its_line(small, old, new, message):
    path = small / "cases.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(StudyError, match=message):
        read_cases(path)


def test_a_table_of_cases_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(StudyError, match=r"cases\.csv: No such file"):
        read_cases(tmp_path / "cases.csv")
    (tmp_path / "cases.csv").write_bytes(b"case,severity\xff")
    with pytest.raises(StudyError, match="not a CSV table in UTF-8"):
        read_cases(tmp_path / "cases.csv")


def test_each_step_has_a_generator_of_its_own():
    draws = {
        tuple(generator(*words).integers(2**60, size=2).tolist())
        for words in (
            ("p", "n", "a"),
            ("p", "n", "b"),
            ("q", "n", "a"),
            ("p", "m", "a"),
        )
    }

    assert len(draws) == 4
