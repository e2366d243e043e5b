"""Each planted leak is found and named."""

import hashlib
import json
import os
import re
import shutil
import zlib
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader_study.blinding_audit import (
    audit,
    audit_study,
    cues,
    machine,
    permutation,
    volumes,
)
from reader_study.blinding_audit.audit import words_found, written_forms
from reader_study.blinding_audit.cues import cross_validated_auc, position_cue
from reader_study.blinding_audit.findings import (
    FAMILY_ALPHA,
    AuditReport,
    Check,
    Cue,
    audit_text,
)
from reader_study.building.builder import build_study
from reader_study.building.png import (
    Chunk,
    common_length,
    image_data,
    padded_file,
    pixels_of,
    read_chunks,
    with_empty_blocks,
    without_empty_blocks,
)
from reader_study.building.sealing import unseal
from reader_study.design.truth import Truth, TruthCell, commitment
from reader_study.errors import StudyError
from reader_study.formats.manifest import Manifest, Slot
from reader_study.formats.protocol import PictureCue, Protocol
from tests.reader_study.material import (
    CANVAS,
    PASSPHRASE,
    paper_text,
    request,
    write_cases,
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A study of 20 cases in the paper's design, and its truth."""
    folder = tmp_path_factory.mktemp("study")
    write_cases(folder)
    build_study(request(folder, paper_text()))
    return folder / "STUDY", unseal(folder / "KEY", [PASSPHRASE])


@pytest.fixture
def study(built, tmp_path):
    """A copy of the study that a test may spoil."""
    folder, truth = built
    shutil.copytree(folder, tmp_path / "STUDY")  # with its times
    return tmp_path / "STUDY", truth


@pytest.mark.slow
def test_a_built_study_is_clean_with_and_without_the_key(built):
    folder, truth = built
    report = audit_study(folder, truth)

    assert report.leaks == ()
    assert report.n_files == 40
    assert audit_study(folder).leaks == ()
    assert audit_study(folder, truth) == report
    assert "No leak in 40 pictures." in audit_text(report)
    assert "Without the key only" in audit_text(audit_study(folder))


def test_with_the_key_a_machine_looks_at_the_pictures(built, monkeypatch):
    folder, truth = built
    cue = Cue("position", "file", "AUC", 0.5, 1.0, "exact")
    plain = AuditReport(40, (), (cue,))
    monkeypatch.setattr(audit, "audit_study", lambda *_, **__: plain)
    monkeypatch.setattr(machine, "_TREES", 2)

    (found,) = audit.picture_audit(folder, truth).told_apart
    assert found.who.startswith("A machine (240 features")
    assert found.n_cases == 20
    assert 0 <= found.low <= found.auc <= found.high <= 1
    monkeypatch.setattr(machine, "LEAST_CASES", 21)
    assert audit.picture_audit(folder, truth) == plain


@pytest.mark.slow
def test_the_key_of_another_study_is_refused(built):
    folder, truth = built
    with pytest.raises(StudyError, match="got the key of another study"):
        audit_study(folder, replace(truth, study_id="another"))


def certain(report):
    """What is found in whatever draw: names and orders of a sound study are flagged
    by chance in up to 1 of 1,000, and a study of other draws is built at each run."""
    by_chance = {c.name for c in report.cues if c.p_value > 1e-9}
    return tuple(k for k in report.leaks if k.split(" tells")[0] not in by_chance)


def files_by(study, method, truth):
    return [
        study / "images" / f"{token}.png"
        for token, cell in truth.cells.items()
        if cell.method == method
    ]


def rewrite(path, content):
    """Change a file as somebody would who takes care of its time."""
    before = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def rehash(study):
    """Make the manifest fit the files, so that only the leak itself can be found."""
    path = study / "manifest.json"
    content = json.loads(path.read_text())
    for presentation in content["presentations"]:
        picture = (study / "images" / presentation["image"]).read_bytes()
        presentation["sha256"] = hashlib.sha256(picture).hexdigest()
        presentation["length"] = len(picture)
    path.write_text(json.dumps(content))


def assembled(chunks):
    body = b"".join(
        len(c.content).to_bytes(4)
        + c.kind
        + c.content
        + zlib.crc32(c.kind + c.content).to_bytes(4)
        for c in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def text_chunk(content):
    head, data, padding, end = read_chunks(content)
    text = Chunk(b"tEXt", b"Software\0RAPID")
    padding = Chunk(padding.kind, padding.content[: -12 - len(text.content)])
    return assembled([head, text, data, padding, end])


def longer(content):
    head, data, padding, end = read_chunks(content)
    return assembled([head, data, Chunk(padding.kind, padding.content + b"x"), end])


def recompressed(content):
    head, data, padding, end = read_chunks(content)
    encoder = zlib.compressobj(9)
    other = encoder.compress(zlib.decompress(data.content))
    other += encoder.flush(zlib.Z_SYNC_FLUSH) + encoder.flush()
    filled = with_empty_blocks(other, len(data.content))
    padding = Chunk(padding.kind, os.urandom(len(padding.content)))
    return assembled([head, Chunk(b"IDAT", filled), padding, end])


def filtered(content):
    head, data, padding, end = read_chunks(content)
    rows = pixels_of(read_chunks(content)).reshape(CANVAS[0], -1)
    up = np.diff(rows, axis=0, prepend=np.zeros((1, rows.shape[1]), dtype=np.uint8))
    raw = b"".join(b"\2" + row.tobytes() for row in up.astype(np.uint8))
    encoder = zlib.compressobj(9)
    other = encoder.compress(raw)
    other += encoder.flush(zlib.Z_SYNC_FLUSH) + encoder.flush()
    filled = with_empty_blocks(other, len(data.content))
    padding = Chunk(padding.kind, os.urandom(len(padding.content)))
    return assembled([head, Chunk(b"IDAT", filled), padding, end])


def repainted(content, paint, size=None):
    pixels = pixels_of(read_chunks(content)).copy()
    pixels = paint(pixels)
    return padded_file(pixels.shape[:2], image_data(pixels), size or len(content))


def bordered(content):
    def paint(pixels):
        pixels[0] = pixels[-1] = pixels[:, 0] = pixels[:, -1] = 1
        return pixels

    return repainted(content, paint)


def enlarged(content):
    return repainted(content, lambda pixels: np.pad(pixels, ((1, 1), (1, 1), (0, 0))))


def shifted(content):
    """Moves an empty block from the image data to the padding."""
    head, data, padding, end = read_chunks(content)
    bare = without_empty_blocks(data.content)
    data = Chunk(b"IDAT", with_empty_blocks(bare, len(data.content) - 5))
    return assembled([head, data, Chunk(padding.kind, padding.content + b"12345"), end])


def constant_padding(content):
    head, data, padding, end = read_chunks(content)
    return assembled(
        [head, data, Chunk(padding.kind, bytes(len(padding.content))), end]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "named", "fault"),
    [
        (text_chunk, "chunks", "got a chunk tEXt"),
        (longer, "file length", "most have"),
        (shifted, "compressed length", "bytes, most have"),
        (recompressed, "encoder", "was compressed by another encoder"),
        (filtered, "encoder", "rows with filter 0"),
        (enlarged, "canvas", "32 x 42 pixels, most have 30 x 40 pixels"),
        (constant_padding, "repeated bytes", "so that their trials link"),
    ],
)
def test_a_planted_difference_is_named_even_without_the_key(
    study, change, named, fault
):
    folder, truth = study
    for path in files_by(folder, "MAGIC", truth)[:-1]:
        rewrite(path, change(path.read_bytes()))
    rehash(folder)
    leaks = audit_study(folder).leaks

    assert leaks
    assert {leak.split(":")[0] for leak in leaks} == {named}
    assert fault in leaks[0]
    assert audit_study(folder, truth).leaks[: len(leaks)] == leaks


def test_one_changed_file_is_found_by_its_hash(study):
    folder, truth = study
    path = files_by(folder, "MAGIC", truth)[0]
    rewrite(path, text_chunk(path.read_bytes()))

    assert {leak.split(":")[0] for leak in audit_study(folder).leaks} == {
        "bytes",
        "chunks",
    }


def test_a_border_of_one_pixel_is_found_with_the_key(study):
    folder, truth = study
    for path in files_by(folder, "MAGIC", truth):
        rewrite(path, bordered(path.read_bytes()))
    rehash(folder)
    leaks = certain(audit_study(folder, truth))

    assert [leak.split(" tells")[0] for leak in leaks[:4]] == [
        f"border at the {side}" for side in ("top", "bottom", "left", "right")
    ]
    assert all(leak.startswith("the pictures themselves tell") for leak in leaks[4:])
    assert "AUC 1.00, p = 1e-11" in leaks[0]


def test_file_times_are_found(study):
    folder, truth = study
    for path in files_by(folder, "MAGIC", truth)[:-1]:
        os.utime(path, (1_700_000_000, 1_700_000_000))
    leaks = audit_study(folder).leaks

    assert leaks[0].startswith("file times: ")
    assert "2023-11-14T22:13:20+00:00, most have 2000-01-01T00:00:00+00:00" in leaks[0]
    assert "and 16 more" in leaks[-1]


def test_permissions_are_found(study):
    folder, truth = study
    files_by(folder, "MAGIC", truth)[0].chmod(0o600)

    assert audit_study(folder).leaks[0].startswith("permissions: ")


def edited(study, truth, change):
    """Change the manifest's content and give the truth that fits it."""
    path = study / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    Manifest.from_dict(content)
    return audit_study(study, truth)


def names_told(report):
    return {leak.split(" tells")[0] for leak in report.leaks}


def test_an_order_sorted_by_method_is_found(study):
    folder, truth = study

    def sort(content):
        for slot in content["slots"]:
            for trial, order in slot["orders"].items():
                key = lambda token: truth.cells[token].method  # noqa: E731
                slot["orders"][trial] = sorted(order, key=key)

    assert "position" in names_told(edited(folder, truth, sort))


def test_an_order_sorted_by_case_is_found(study):
    folder, truth = study

    def sort(content):
        for slot in content["slots"]:
            for trial, order in slot["orders"].items():
                key = lambda token: truth.cells[token].case  # noqa: E731
                slot["orders"][trial] = sorted(order, key=key)

    report = edited(folder, truth, sort)
    assert "position and name of the case" in names_told(report)
    assert any(
        name.startswith("position between trials") for name in names_told(report)
    )


def renamed(folder, truth, place):
    """Give pictures the pseudo-IDs of a sorted list, in the order of some place."""

    def change(content):
        for trial in (1, 2):
            shown = [p for p in content["presentations"] if p["trial"] == trial]
            shown.sort(key=lambda p: place(truth.cells[p["token"]]))
            for number, presentation in enumerate(shown):
                presentation["pseudo_id"] = f"CCC-{trial}{number:02}"

    return edited(folder, truth, change)


def test_pseudo_ids_in_the_order_of_methods_are_found(study):
    folder, truth = study
    told = names_told(renamed(folder, truth, lambda cell: cell.method))

    assert "pseudo-ID" in told


def test_pseudo_ids_in_the_order_of_cases_are_found(study):
    folder, truth = study

    # Ordered alike in both trials, they may follow the methods, too: trial 2 has
    # the other method of each case, so that its order says what that of trial 1 says.
    assert names_told(renamed(folder, truth, lambda cell: cell.case)) >= {
        "pseudo-ID between trials",
        "pseudo-ID and name of the case",
    }


def test_a_list_that_is_not_by_token_is_found(study):
    folder, truth = study
    report = edited(folder, truth, lambda content: content["presentations"].reverse())

    assert certain(report) == (
        "contents: manifest.json must list its presentations by token",
    )


def test_file_names_that_speak_are_found(study):
    folder, truth = study

    def speak(content):
        presentation = content["presentations"][0]
        image = folder / "images" / presentation["image"]
        presentation["image"] = "real.png"
        image.rename(folder / "images" / "real.png")

    assert (
        edited(folder, truth, speak).leaks[0].startswith("names: real.png must be 32")
    )


def test_what_does_not_belong_is_found(study):
    folder, truth = study
    (folder / "images" / "notes.txt").write_text("x")
    (folder / "patient-003.txt").write_text("x")
    (folder / "log.txt").write_text(f"opened {b'patient-003'.hex()}")
    (folder / "study.sqlite").write_text("this looks like RAPID")
    path = folder / "study.toml"
    path.write_text(path.read_text().replace("number = 7", "number = 8"))
    questionnaire = folder / "questionnaire.json"
    questionnaire.write_text(questionnaire.read_text().replace("Yes", "Ja"))

    assert certain(audit_study(folder, truth)) == (
        "contents: notes.txt is no picture of the study",
        "contents: study.toml was changed after the study was built",
        "contents: questionnaire.json was changed after the study was built",
        "words: log.txt holds the name of a case, a source or a method",
        "words: patient-003.txt holds the name of a case, a source or a method",
    )


def test_a_picture_that_is_gone_or_none_is_named(study):
    folder, truth = study
    path = files_by(folder, "MAGIC", truth)[0]
    path.write_bytes(b"x")
    with pytest.raises(StudyError, match=rf"{path.name} must be a PNG file"):
        audit_study(folder)
    path.unlink()
    with pytest.raises(StudyError, match=rf"{path.name}: No such file"):
        audit_study(folder)


def in_one_row(study, truth, highest):
    """Grey values in a row above each picture, by method up to different ones."""
    rng = np.random.default_rng(0)
    for method, most in highest.items():

        def noisy(pixels, most=most):
            pixels[1, 1:-1] = rng.integers(0, most, pixels[1, 1:-1].shape)
            return pixels

        for path in files_by(study, method, truth):
            rewrite(path, repainted(path.read_bytes(), noisy, common_length(5000)))
    rehash(study)


def test_pictures_that_a_measure_sorts_are_refused_unless_it_is_accepted(study):
    folder, truth = study
    in_one_row(folder, truth, {"RAPID": 1, "MAGIC": 20})
    report = audit_study(folder, truth)
    sorting = {"margin", "background noise", "colours used", "compressed size"}

    assert {cue.name for cue in report.telling} == sorting
    assert not report.by_draw
    found = [leak for leak in certain(report) if "margin" in leak]
    assert found[0].startswith(
        "the pictures themselves tell the methods apart by margin"
    )
    assert found[0].endswith('study.toml: [blinding] accepted_cues = ["margin"]')
    assert "LEAK  margin" in audit_text(report)
    accepting = replace(report, accepted=tuple(sorting), cues=only(report, "picture"))
    assert not accepting.leaks
    assert "but for what the protocol accepts: margin" in audit_text(accepting)
    assert "note  margin" in audit_text(accepting)
    assert replace(accepting, accepted=("margin",)).leaks


def only(report, level):
    return tuple(cue for cue in report.cues if cue.level == level)


def test_a_measure_that_differs_and_does_not_sort_is_noted():
    cue = Cue("margin", "picture", "AUC", 0.90, 1e-6, "exact")
    report = AuditReport(40, (), (cue,))

    assert report.leaks == ()
    assert "may tell the methods apart by: margin" in audit_text(report)
    linking = replace(report, cues=(replace(cue, statistic="rank correlation"),))
    assert audit_text(linking).startswith("No leak in 40 pictures.\n")
    assert "note  margin" in audit_text(linking)
    assert replace(report, cues=(replace(cue, value=0.95),)).telling
    assert replace(report, cues=(replace(cue, value=0.05),)).telling
    assert not replace(report, cues=(replace(cue, value=1.0, p_value=1e-4),)).telling
    assert (
        replace(report, cues=(replace(cue, value=1.0),), accepted=("margin",)).leaks
        == ()
    )


def test_every_measure_of_pictures_and_volumes_can_be_accepted_by_its_name():
    measured = {*cues._PICTURE_CUES, *volumes._MEASURES}
    assert measured == set(get_args(PictureCue))
    for name in measured:
        cue = Cue(f"{name} of CBF", "picture", "AUC", 1.0, 1e-6, "exact")
        report = AuditReport(40, (), (cue,))
        assert f'accepted_cues = ["{name}"]' in report.leaks[0]
        assert replace(report, accepted=(name,)).leaks == ()


def test_where_cases_are_too_few_no_leak_is_never_the_headline():
    """Below some number of cases, the clearest cue would be no finding."""
    enough = Cue("position", "file", "AUC", 0.5, 1.0, "exact", 1e-11)
    file = replace(enough, least_p=0.02)
    few = replace(enough, name="margin", level="picture", least_p=1.1e-4)

    assert audit_text(AuditReport(40, (), (enough,))).startswith("No leak in 40")
    for some, named in (((file, few), "position and 1 other cue"), ((few,), "margin")):
        text = audit_text(AuditReport(6, (), some))
        assert text.startswith("Too few cases to tell: nothing was found in 6 pictures")
        assert f"but {named} would not have shown, however clear" in text
        assert "few   margin" in text
        assert "No leak" not in text
    assert "No leak" not in audit_text(AuditReport(40, ()))  # without the key


@pytest.mark.parametrize(("n", "found"), [(14, False), (15, True)])
def test_the_least_p_is_that_of_complete_separation(n, found):
    limit = FAMILY_ALPHA / 16
    is_test = np.arange(2 * n) % 2 == 1
    cases = [f"c{i // 2}" for i in range(2 * n)]
    rng = np.random.default_rng(0)
    told = cross_validated_auc(is_test[:, None].astype(float), is_test, cases, rng)
    assert told.value == 1.0
    assert (told.least_p <= limit) == found
    assert told.p_value >= 0.5 * told.least_p
    apart = permutation.auc_association(is_test.astype(float), is_test, rng)
    assert apart.p_value == pytest.approx(apart.least_p)
    by_half = np.sort(is_test)
    orders = permutation.order_association([by_half, by_half[::-1]])
    assert orders.p_value == pytest.approx(orders.least_p)
    ranks = permutation.rank_association([(np.arange(3.0), np.arange(3.0))], rng)
    assert ranks.p_value == pytest.approx(ranks.least_p, rel=0.02)


def test_all_pictures_by_another_version_of_zlib_are_no_leak(study):
    folder, _ = study
    for path in (folder / "images").iterdir():
        rewrite(path, recompressed(path.read_bytes()))
    rehash(folder)

    assert audit_study(folder).leaks == ()


def test_leaks_are_marked_in_the_text():
    cue = Cue("position", "file", "AUC", 1.0, 1e-11, "exact")
    report = AuditReport(40, (Check("chunks", ("a.png has one too many",)),), (cue,))

    text = audit_text(report)
    assert text.startswith("2 leaks in 40 pictures.")
    assert "  LEAK  chunks\n        a.png has one too many" in text
    assert "  LEAK  position" in text
    assert "p < .0001  exact" in text


def test_short_names_are_not_looked_for(tmp_path):
    (tmp_path / "study.toml").write_text("c1")
    (tmp_path / "other.txt").write_text("c1 and magic")
    truth = Truth("s", "00", {"t": TruthCell("c1", "RAPID", "none")})
    protocol = Protocol(title="T", per_severity={"none": 2})

    assert [*words_found(tmp_path, truth, protocol)] == [
        "other.txt holds the name of a case, a source or a method"
    ]


def test_orders_of_one_method_have_nothing_to_tell():
    cells = {t: TruthCell(t, "RAPID" if t < "c" else "MAGIC", "none") for t in "abcd"}
    slot = Slot("reader-1", "group-1", {1: ("a", "b"), 2: ("d", "c")})
    cue = position_cue([slot], cells, "MAGIC")

    assert (cue.value, cue.p_value) == (0.5, 1.0)


@pytest.mark.parametrize("offset", range(6))
def test_a_word_in_base64_is_found_at_any_offset(offset):
    from base64 import b64encode

    text = b64encode(b"x" * offset + b"patient-003" + b"and more")

    assert any(form in text for form in written_forms("patient-003"))


def test_the_commitment_of_the_copy_is_that_of_the_original(study):
    folder, truth = study
    content = json.loads((folder / "manifest.json").read_text())

    assert content["commitment"] == commitment(truth)


@given(
    st.lists(st.text("aB-1", min_size=1, max_size=5), min_size=1, max_size=8),
    st.text("aB-1 ", max_size=20),
)
def test_words_that_begin_alike_are_each_found(words, text):
    forms = {word.encode() for word in words}
    plain = b"(?:" + b"|".join(map(re.escape, sorted(forms))) + b")"
    edges = rb"(?<![0-9A-Za-z])%s(?![0-9A-Za-z])"
    found = [
        re.search(edges % pattern, text.encode(), re.IGNORECASE) is not None
        for pattern in (plain, audit._any_of(forms))
    ]
    assert found[0] == found[1]
