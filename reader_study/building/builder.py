"""Build a study: cases.csv and protocol become STUDY, which is blinded, and KEY.

Both appear whole or not at all: the study is made in a hidden folder beside its place,
audited there, and renamed as the last step.
"""

import hashlib
import secrets
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reader_study.blinding_audit import AuditReport, audit_study
from reader_study.building import planning, study, volumes
from reader_study.building import training as building_training
from reader_study.building.cases_file import (
    Case,
    reference_standard,
    without_truth,
)
from reader_study.building.pictures import (
    Picture,
    encode_pictures,
    encode_together,
    montage_rows,
    write_pictures,
)
from reader_study.building.restoring import PADDING, VOLUME_SOURCES, copies_of
from reader_study.building.sealing import check_passphrases, seal
from reader_study.design.study_plan import StudyPlan
from reader_study.design.truth import STANDARD, Truth, commitment, new_salt
from reader_study.errors import StudyError, counted
from reader_study.formats.asking.panel import READINGS
from reader_study.formats.manifest import SCHEMA, Manifest, program_version
from reader_study.formats.protocol import Protocol


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """What to build a study from, and where."""

    protocol: Path
    cases: Path
    out: Path
    """The study's folder, which must not exist yet."""

    key: Path
    """The sealed key, outside the study's folder; must not exist yet."""

    passphrases: tuple[str, ...]
    """One, or those of two people who open the key together."""

    jobs: int = 2


@dataclass(frozen=True, repr=False)
class BuiltStudy:
    """What was built."""

    manifest: Manifest
    audit: AuditReport
    discarded: str = ""
    """What the audit found in a first draw; empty if it found nothing."""

    reserve: int = 0
    """Places in reserve, among those of the manifest."""

    without_truth: str = ""
    """Which cases have no truth while others have one, as a sentence."""

    def __repr__(self) -> str:
        m = self.manifest
        return f"<BuiltStudy: {self.size}, commitment {m.commitment[:16]}...>"

    @property
    def size(self) -> str:
        """How much was built, such as `40 pictures for 7 readers`."""
        n_pictures, n = len(self.manifest.presentations), len(self.manifest.slots)
        more = f" and {self.reserve} in reserve" if self.reserve else ""
        return f"{n_pictures} pictures for {counted(n - self.reserve, 'reader')}{more}"


def build_study(request: BuildRequest) -> BuiltStudy:
    """Build, audit and seal a study.

    Names and orders that seem to tell the methods apart are drawn once more: chance
    alone does that in up to one of 1,000 studies, and hardly twice in a row.

    Raises:
        StudyError: If something given cannot be used, something would be written over,
            or the audit finds a leak. Nothing is left behind then.
    """
    try:
        return _build(request)
    except _UnluckyDrawError as error:
        return _build(request, discarded=str(error))


class _UnluckyDrawError(StudyError):
    """Nothing but what is drawn seems to tell the methods apart."""


def _build(request: BuildRequest, discarded: str = "") -> BuiltStudy:
    _refuse_unsafe(request)
    prepared = planning.prepare(request.protocol, request.cases)
    protocol, questionnaire = prepared.protocol, prepared.questionnaire
    cases = prepared.cases
    practice = building_training.practice_cases(
        protocol, questionnaire, request.protocol.parent, cases
    )
    nonce, padding = secrets.token_hex(32), secrets.token_hex(32)
    plan, told = prepared.draw(nonce)
    chosen = [cases[name] for name in {cell.case for cell in plan.cells.values()}]
    standard = reference_standard(chosen, protocol.analysis)
    drawn = {
        (cell.case, method): cases[cell.case].images[method]
        for cell in plan.cells.values()
        for method in cell.methods
    }
    stacks, sources = _drawn_volumes(plan, cases, protocol, request.cases.parent)
    pictures = _encoded(drawn, protocol, request.jobs)
    details = {
        "nonce": nonce,
        **told,
        "sources": _sources(
            drawn,
            {name: picture.source_sha256 for name, picture in pictures.items()},
            request.cases.parent,
        ),
        PADDING: padding,
        **sources,
        **({"discarded_draw": discarded} if discarded else {}),
        **({STANDARD: standard} if standard else {}),
    }
    if protocol.design.at_once > 1:
        pictures = _together(plan, drawn, request.jobs)
    with _staged(request.out) as stage:
        shown = write_pictures(stage / study.IMAGES, plan, pictures, padding)
        sealed = volumes.write_volumes(stage / study.VOLUMES, plan, stacks, padding)
        training = building_training.write_training(
            stage, practice, pictures.values(), padding, sealed
        )
        details |= building_training.training_details(practice, training)
        truth = Truth(secrets.token_hex(8), new_salt(), plan.cells, details)
        manifest = Manifest(
            schema=SCHEMA,
            study_id=truth.study_id,
            protocol_sha256=protocol.sha256,
            questionnaire_sha256=questionnaire.sha256,
            commitment=commitment(truth),
            nonce=hashlib.sha256(nonce.encode()).hexdigest(),
            presentations=shown,
            slots=plan.slots,
            training_sha256=training.sha256,
            volumes=sealed,
            panel_readings=_panel_readings(plan, cases, protocol),
            program=program_version(),
        ).sealed()
        shutil.copyfile(request.protocol, stage / study.PROTOCOL)
        _write(stage / study.QUESTIONNAIRE, questionnaire.to_json())
        _write(stage / study.MANIFEST, manifest.to_json())
        report = audit_study(stage, truth, jobs=request.jobs)
        if report.leaks:
            msg = f"The study was not built, for it would unblind: {report.leaks[0]}"
            raise (_UnluckyDrawError if report.by_draw else StudyError)(msg)
        _publish(stage, truth, request)
    return BuiltStudy(
        manifest, report, discarded, protocol.reserve, without_truth(chosen)
    )


def _refuse_unsafe(request: BuildRequest) -> None:
    check_passphrases(request.passphrases)
    for path in (request.out, request.key):
        if path.exists() or path.is_symlink():
            msg = f"{path} exists already and is not written over"
            raise StudyError(msg)
    if request.key.resolve().is_relative_to(request.out.resolve()):
        msg = f"The key must lie outside the study {request.out}, got {request.key}"
        raise StudyError(msg)
    for parent in (request.out.parent, request.key.parent):
        if not parent.is_dir():
            msg = f"{parent} must be a folder, got none"
            raise StudyError(msg)


def _drawn_volumes(
    plan: StudyPlan, cases: Mapping[str, Case], protocol: Protocol, folder: Path
) -> tuple[dict[tuple[str, str], Path], dict[str, list[dict[str, str]]]]:
    """Return the volumes that the study shows, and what the key says of them.

    Where readers see montages there are none.

    Raises:
        StudyError: If a case has none, or they do not lie on one grid.
    """
    if protocol.viewer != "stack":
        return {}, {}
    found = {}
    for cell in plan.cells.values():
        volume = cases[cell.case].volumes.get(cell.method)
        if volume is None:
            msg = (
                "viewer 'stack' must have a volume of every case and method in "
                f"cases.csv, got none of {cell.case}: magic-model montage --volumes "
                "writes them"
            )
            raise StudyError(msg)
        found[cell.case, cell.method] = volume
    sources = _sources(found, volumes.read_volumes(found), folder)
    return found, {VOLUME_SOURCES: sources}


def _sources(
    images: Mapping[tuple[str, str], Path],
    hashes: Mapping[tuple[str, str], str],
    folder: Path,
) -> list[dict[str, str]]:
    return [
        {
            "case": case,
            "method": method,
            "path": path.relative_to(folder).as_posix(),
            "sha256": hashes[case, method],
        }
        for (case, method), path in sorted(images.items())
    ]


def _panel_readings(
    plan: StudyPlan, cases: Mapping[str, Case], protocol: Protocol
) -> dict[str, str]:
    """Return what an adjudication shows of the panel's readings, by token.

    Raises:
        StudyError: If a case has none in cases.csv.
    """
    panel = protocol.panel
    if panel is None or not (panel.adjudicates and panel.show_readings):
        return {}
    found = {t: cases[c.case].columns.get(READINGS, "") for t, c in plan.cells.items()}
    lacking = next((t for t, text in found.items() if not text), None)
    if lacking is not None:
        msg = (
            f"cases.csv must have {READINGS} of every case with panel.show_readings: "
            "magic-study disagreements writes it, got none of "
            f"{plan.cells[lacking].case}"
        )
        raise StudyError(msg)
    return found


@contextmanager
def _staged(out: Path) -> Iterator[Path]:
    stage = out.with_name(f".{out.name}.partial")
    shutil.rmtree(stage, ignore_errors=True)  # what a killed build left
    try:
        (stage / study.IMAGES).mkdir(parents=True)
        yield stage
    except OSError as error:
        msg = f"{error.filename or out}: cannot be written ({error.strerror or error})"
        raise StudyError(msg) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _publish(stage: Path, truth: Truth, request: BuildRequest) -> None:
    sealed = replace(truth, copies=copies_of(stage))
    seal(sealed, request.key, request.passphrases)
    try:
        stage.rename(request.out)
    except OSError:
        request.key.unlink()
        raise


def _together(
    plan: StudyPlan, drawn: Mapping[tuple[str, str], Path], jobs: int
) -> dict[tuple[str, str], Picture]:
    """Encode the montages of each display as one picture."""
    paths = {
        cell.picture: [drawn[cell.case, method] for method in cell.methods]
        for cell in plan.cells.values()
    }
    with ThreadPoolExecutor(jobs) as pool:
        encoded = pool.map(encode_together, paths.values())
        return dict(zip(paths, encoded, strict=True))


def _encoded(
    drawn: Mapping[tuple[str, str], Path], protocol: Protocol, jobs: int
) -> dict[tuple[str, str], Picture]:
    """Encode the montages; where all rows are asked for they must have rows."""
    pictures = encode_pictures(drawn, jobs)
    height, width = next(iter(pictures.values())).size
    asked = protocol.require_all_slices and protocol.viewer == "montage"
    if asked and not montage_rows((height, width)):
        msg = (
            "require_all_slices needs montages of square panels in 2 to 6 columns "
            f"under a strip 0.28 of a panel high, got pictures of {width} x {height} "
            "pixels"
        )
        raise StudyError(msg)
    return pictures
