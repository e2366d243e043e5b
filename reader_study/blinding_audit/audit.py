"""Audit a study over the exact bytes that will be served."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from reader_study.blinding_audit.cues import (
    file_cues,
    frame_cues,
    picture_cues,
    position_cue,
)
from reader_study.blinding_audit.file_checks import file_checks
from reader_study.blinding_audit.file_facts import FileFacts, read_file_facts
from reader_study.blinding_audit.findings import AuditReport, Check, Cue
from reader_study.blinding_audit.linkage import name_linkage, position_linkage
from reader_study.blinding_audit.picture_facts import PictureFacts, read_picture_facts
from reader_study.blinding_audit.words import words_found
from reader_study.build import study
from reader_study.design.truth import Truth, commitment
from reader_study.errors import StudyError
from reader_study.formats.manifest import Manifest, Presentation
from reader_study.formats.protocol import Protocol, read_protocol
from reader_study.formats.questionnaire import read_questionnaire

_SEED = 20  # of permutations: the same study gives the same report


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
        measured = pool.map(read_picture_facts, different.values())
        pictures = dict(zip(different, measured, strict=True))
    checks = (
        Check("contents", tuple(_contents(folder, manifest, protocol))),
        *file_checks(facts, pictures),
    )
    if truth is None:
        return AuditReport(len(facts), checks)
    if commitment(truth) != manifest.commitment:
        msg = f"The key must be that of {folder}, got the key of another study"
        raise StudyError(msg)
    words = Check("words", tuple(words_found(folder, truth, protocol)))
    shown = _shown(facts, pictures, truth)
    cues = (
        () if shown is None else tuple(_cues(manifest, facts, shown, truth, protocol))
    )
    return AuditReport(len(facts), (*checks, words), cues)


def _facts(folder: Path, presentation: Presentation) -> FileFacts:
    return read_file_facts(folder / study.IMAGES / presentation.image, presentation)


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
    facts: Sequence[FileFacts],
    pictures: Mapping[str, PictureFacts | str],
    truth: Truth,
) -> dict[tuple[str, str], PictureFacts] | None:
    """Give the facts of each picture by case and method; None if one has none."""
    shown = {}
    for f in facts:
        picture = pictures[f.data_sha256]
        if isinstance(picture, str):
            return None
        cell = truth.cells[f.presentation.token]
        shown[cell.case, cell.method] = picture
    return shown


def _cues(
    manifest: Manifest,
    facts: Sequence[FileFacts],
    shown: Mapping[tuple[str, str], PictureFacts],
    truth: Truth,
    protocol: Protocol,
) -> Iterator[Cue]:
    rng, test, cells = np.random.default_rng(_SEED), protocol.test, truth.cells
    distant = protocol.min_distance > 0
    yield position_cue(manifest.slots, cells, test)
    yield from file_cues(facts, cells, test, rng)
    yield from frame_cues(shown, test, rng)
    yield from name_linkage(facts, cells, rng)
    yield from position_linkage(manifest.slots, cells, rng, distant=distant)
    yield from picture_cues(shown, test, rng)
