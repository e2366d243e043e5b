"""Audit a study over the exact bytes that will be served."""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from reader_study.blinding_audit import cues as blinding_audit_cues
from reader_study.blinding_audit import displays, machine, standard
from reader_study.blinding_audit import facts as blinding_audit_facts
from reader_study.blinding_audit import volumes as blinding_audit_volumes
from reader_study.blinding_audit.findings import AuditReport, Check, Cue
from reader_study.building import study, training_set
from reader_study.building.restoring import VOLUME_SOURCES
from reader_study.design.truth import Truth, commitment
from reader_study.errors import StudyError
from reader_study.formats.manifest import Manifest, Presentation
from reader_study.formats.protocol import Protocol, read_protocol
from reader_study.formats.questionnaire import read_questionnaire
from reader_study.running.study_store import NOTE

_SHORTEST = 4
"""Shorter names are found by chance in any hash; they are not looked for."""

_SHOWN = (".png", ".bin")

_WRITTEN_BY_PEOPLE = (study.PROTOCOL, study.QUESTIONNAIRE)
"""They name the methods or not as the investigators like; readers may see both."""

_TRAINING_LIST = f"{training_set.FOLDER}/{training_set.LIST}"

_SEED = 20  # of permutations: the same study gives the same report


def words_found(folder: Path, truth: Truth, protocol: Protocol) -> Iterator[str]:
    """Yield each file of a study whose name or content holds such a word.

    The word may stand plainly, in base64 or in hexadecimal. Pictures are looked at by
    name only: what is in them is checked chunk by chunk. The database is left out, for
    a reader may well write the name of a method into an explanation; so is the note of
    where it is.
    """
    cases = _case_words(truth)
    others = cases | set(protocol.methods)
    true = standard.standard_words(truth, folder / study.MANIFEST)
    patterns: dict[str, re.Pattern[bytes] | None]
    patterns = dict.fromkeys(_WRITTEN_BY_PEOPLE, _pattern(cases))
    # It says what it likes of cases that the study does not show.
    patterns[_TRAINING_LIST] = _pattern(others)
    elsewhere = _pattern(others | true)
    what = "a case, a source or a method"
    what += ", or a truth" if true else ""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        place = path.relative_to(folder)
        pattern = patterns.get(place.as_posix(), elsewhere)
        content = b"" if _not_searched(place) else path.read_bytes()
        if pattern and pattern.search(place.as_posix().encode() + b"\n" + content):
            yield f"{place.as_posix()} holds the name of {what}"


def written_forms(word: str) -> set[bytes]:
    """Return the ways to write a word: plain, hexadecimal, and base64 at any offset."""
    plain = word.encode()
    forms = {plain, plain.hex().encode()}
    for offset in range(3):
        # The characters that share bits with the neighbours of the word are cut off.
        start, end = (8 * offset + 5) // 6, 8 * (offset + len(plain)) // 6
        forms.add(b64encode(b"\0" * offset + plain + b"\0\0")[start:end])
    return forms


def audit_study(
    folder: Path, truth: Truth | None = None, *, jobs: int = 2
) -> AuditReport:
    """Audit a study's folder.

    Args:
        folder: STUDY.
        truth: Content of its key; without, only what must be equal is checked.
        jobs: Files at a time.

    Raises:
        StudyError: If it is no study, or the key is another study's.
    """
    manifest = study.read_manifest(folder)
    protocol = read_protocol(folder / study.PROTOCOL)
    with ThreadPoolExecutor(jobs) as pool:
        facts = list(pool.map(lambda p: _facts(folder, p), manifest.presentations))
        different = {f.data_sha256: f.path for f in facts}
        measured = pool.map(blinding_audit_facts.read_picture_facts, different.values())
        pictures = dict(zip(different, measured, strict=True))
    checks = (
        Check("contents", tuple(_contents(folder, manifest, protocol))),
        *blinding_audit_facts.file_checks(facts, pictures),
        *blinding_audit_volumes.volume_checks(folder, manifest),
    )
    if truth is None:
        return AuditReport(len(facts), checks)
    if commitment(truth) != manifest.commitment:
        msg = f"The key must be that of {folder}, got the key of another study"
        raise StudyError(msg)
    words = Check("words", tuple(words_found(folder, truth, protocol)))
    if protocol.design.at_once > 1:
        checks = (*checks, displays.place_check(manifest, truth, protocol.design))
    if protocol.design.display == "aided":
        checks = (*checks, displays.step_check(manifest, truth, protocol.design))
    shown = _shown(facts, pictures, truth)
    cues = (
        () if shown is None else tuple(_cues(manifest, facts, shown, truth, protocol))
    )
    if cues and not any(check.faults for check in checks):
        for arm in _told(protocol):
            rng = np.random.default_rng(_SEED)
            found = blinding_audit_volumes.volume_cues(
                folder, manifest, truth.cells, arm, rng
            )
            cues = (*cues, *_named(found, arm, protocol))
    return AuditReport(
        len(facts),
        (*checks, words),
        cues,
        protocol.accepted_cues,
        standard=standard.standard_text(manifest, truth, protocol),
    )


def picture_audit(
    folder: Path, truth: Truth, responses: Path | None = None, *, jobs: int = 2
) -> AuditReport:
    """Audit a study, and let a machine tell the methods by the pictures.

    Args:
        folder: STUDY.
        truth: Content of its key.
        responses: responses.csv of its unblinding, to have the readers beside.
        jobs: Files at a time.

    Raises:
        StudyError: If it is no study, the key is another study's, or the responses
            cannot be used.
    """
    report = audit_study(folder, truth, jobs=jobs)
    protocol = read_protocol(folder / study.PROTOCOL)
    found = []
    if report.cues:  # else a picture cannot be read
        manifest = study.read_manifest(folder)
        found += [
            machine.machine_separation(folder, manifest, truth, pair, jobs)
            for pair in machine.pairs_of(protocol)
        ]
    if responses is not None:
        found += machine.reader_separations(folder, responses, protocol)
    return replace(report, told_apart=tuple(one for one in found if one is not None))


def _case_words(truth: Truth) -> set[str]:
    """Return the names of cases and of the files that their pictures came from."""
    details = truth.details
    listed = [*details.get("sources", []), *details.get(VOLUME_SOURCES, [])]
    sources = [PurePosixPath(source["path"]) for source in listed]
    names = [cell.case for cell in truth.cells.values()]
    names += truth.details.get("available", {})  # also those that were not drawn
    names += [part for path in sources for part in (str(path), path.name, path.stem)]
    return {name for name in names if len(name) >= _SHORTEST}


def _not_searched(place: Path) -> bool:
    practised_on = place.parts[0] == study.TRAINING and place.suffix in _SHOWN
    picture = place.parts[0] in {study.IMAGES, study.VOLUMES} or practised_on
    return picture or place.name == NOTE or place.name.startswith(study.DATABASE)


def _pattern(words: Iterable[str]) -> re.Pattern[bytes] | None:
    # A letter or two, as in base64, would be found everywhere.
    forms = {
        form.lower()
        for word in words
        for form in (written_forms(word) if len(word) >= _SHORTEST else {word.encode()})
    }
    if not forms:
        return None
    # A short name inside a longer word, or in a hash, is no name.
    whole = rb"(?<![0-9A-Za-z])" + _any_of(forms) + rb"(?![0-9A-Za-z])"
    return re.compile(whole, re.IGNORECASE)


def _any_of(forms: Iterable[bytes]) -> bytes:
    """Return a pattern of any of some forms; what begins alike is compared once.

    A large study has tens of thousands of forms, each of which would be tried at every
    word of the manifest.
    """
    alike: dict[bytes, list[bytes]] = {}
    for form in sorted(forms, reverse=True):  # the empty one last
        alike.setdefault(form[:1], []).append(form)
    found = []
    for group in alike.values():
        begin = group[0]
        while not group[-1].startswith(begin):  # sorted: so do all between
            begin = begin[:-1]
        rest = {form[len(begin) :] for form in group}
        found.append(re.escape(begin) + (_any_of(rest) if rest != {b""} else b""))
    return b"(?:" + b"|".join(found) + b")"


def _facts(folder: Path, presentation: Presentation) -> blinding_audit_facts.FileFacts:
    return blinding_audit_facts.read_file_facts(
        folder / study.IMAGES / presentation.image, presentation
    )


def _contents(folder: Path, manifest: Manifest, protocol: Protocol) -> Iterator[str]:
    known = {presentation.image for presentation in manifest.presentations}
    for path in sorted((folder / study.IMAGES).iterdir()):
        if path.name not in known:
            yield f"{path.name} is no picture of the study"
    tokens = [p.token for p in manifest.presentations]
    if tokens != sorted(tokens):
        yield f"{study.MANIFEST} must list its presentations by token"
    if protocol.sha256 != manifest.protocol_sha256:
        yield f"{study.PROTOCOL} was changed after the study was built"
    questionnaire = read_questionnaire(folder / study.QUESTIONNAIRE)
    if questionnaire.sha256 != manifest.questionnaire_sha256:
        yield f"{study.QUESTIONNAIRE} was changed after the study was built"


def _shown(
    facts: Sequence[blinding_audit_facts.FileFacts],
    pictures: Mapping[str, blinding_audit_facts.PictureFacts | str],
    truth: Truth,
) -> dict[tuple[str, str], blinding_audit_facts.PictureFacts] | None:
    """Return the facts of each picture by case and method; None if one has none."""
    shown = {}
    for f in facts:
        picture = pictures[f.data_sha256]
        if isinstance(picture, str):
            return None
        cell = truth.cells[f.presentation.token]
        shown[cell.case, cell.method] = picture
    several = any(cell.shown for cell in truth.cells.values())
    return displays.facts_of_parts(facts, truth) if several else shown


def _cues(
    manifest: Manifest,
    facts: Sequence[blinding_audit_facts.FileFacts],
    shown: Mapping[tuple[str, str], blinding_audit_facts.PictureFacts],
    truth: Truth,
    protocol: Protocol,
) -> Iterator[Cue]:
    rng, cells, slots = np.random.default_rng(_SEED), truth.cells, manifest.slots
    distant = protocol.design.min_distance > 0
    for arm in _told(protocol):
        told, tells = displays.Told(slots, facts, cells, arm), Cue.tells
        if protocol.design.at_once > 1:
            told, tells = displays.places_told(told), displays.TELLS
        of_files = (
            blinding_audit_cues.position_cue(told.slots, told.cells, told.test),
            *blinding_audit_cues.file_cues(told.facts, told.cells, told.test, rng),
        )
        yield from _named(of_files, arm, protocol, tells)
        of_frames = blinding_audit_cues.frame_cues(shown, arm, rng)
        yield from _named(of_frames, arm, protocol)
    yield from blinding_audit_cues.name_linkage(facts, cells, rng)
    yield from blinding_audit_cues.position_linkage(slots, cells, rng, distant=distant)
    for arm in _told(protocol):
        of_pictures = blinding_audit_cues.picture_cues(shown, arm, rng)
        yield from _named(of_pictures, arm, protocol)
    yield from standard.standard_cues(manifest, facts, truth, protocol)


def _told(protocol: Protocol) -> tuple[str, ...]:
    """Return the arms that are held against all others: one of two, or each of more.

    None where readers know the arm, as that of the first step and of the second.
    """
    methods = protocol.methods
    if protocol.design.display == "aided":
        return ()
    return methods if len(methods) > 2 else methods[1:]


def _named(
    cues: Iterable[Cue], arm: str, protocol: Protocol, tells: str = Cue.tells
) -> Iterator[Cue]:
    """Say of which arm a cue is, where there are several, and what it would tell."""
    several = len(_told(protocol)) > 1
    for cue in cues:
        name = f"{cue.name} of {arm}" if several else cue.name
        yield replace(cue, name=name, tells=tells)
