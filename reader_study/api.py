"""A study in Python: build it, open it, rehearse it, lock, verify and unblind it."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from reader_study.blinding_audit import AuditReport, audit_study, picture_audit
from reader_study.building.builder import BuildRequest, BuiltStudy, build_study
from reader_study.building.restoring import Restored, restore_study
from reader_study.building.sealing import unseal
from reader_study.building.study import Study
from reader_study.building.study import open_study as _open_study
from reader_study.clock import Clock, SystemClock
from reader_study.design.study_plan import check_draw
from reader_study.errors import StudyError
from reader_study.formats.manifest import Manifest
from reader_study.formats.protocol import Protocol
from reader_study.formats.questionnaire import Questionnaire
from reader_study.reading.reading_session import ReadingSession
from reader_study.rehearsal.bots import SimulationPlan
from reader_study.rehearsal.simulation import Simulated
from reader_study.rehearsal.simulation import simulate as _simulate
from reader_study.running import lifecycle, unblinding, withdrawal
from reader_study.running.export import export_masked, write_new
from reader_study.running.flow import Flow, read_flow
from reader_study.running.registry import Profile, add_reader
from reader_study.running.status import StudyStatus, read_status
from reader_study.running.study_store import open_study_store
from reader_study.running.unblinding import unblind as _unblind
from reader_study.store.milestones import Phase, find_milestones, phase_of
from reader_study.store.readers import Reader
from reader_study.store.store import Store
from reader_study.store.transaction import Head
from reader_study.store.verifying import Verification, read_anchor, verify

LOCK_RECORD = "lock.json"
"""What `lock` writes into the study's folder; `verify` takes it as an anchor."""

PathLike = str | os.PathLike[str]
Passphrase = str | Sequence[str]
"""One passphrase, or those of the two people who keep the key together."""


class RunningStudy:
    """A built study with its store; `open_study` opens one.

    The store is opened when it is first needed. Closing it is left to `close`, or to
    the end of a `with` block.

    Args:
        study: The built study.
        database: URL of its database; None for the one in the study's folder.
        clock: The clock of all that is recorded.
        accept_damage: Why `lock` and `unblind` go on although the store is damaged; it
            is kept, and readings that the log does not vouch for count as missing.
            Empty: they refuse.
    """

    def __init__(
        self,
        study: Study,
        database: str | None = None,
        *,
        clock: Clock | None = None,
        accept_damage: str = "",
    ) -> None:
        self.study = study
        self.database = database
        self.clock = clock or SystemClock()
        self.accept_damage = accept_damage

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        p = self.protocol
        cases = p.n_cases or "all"
        size = f"{p.n_readers} readers, {cases} cases, {p.n_trials} trials"
        return f"<RunningStudy {p.title!r} in {self.folder}: {size}>"

    @cached_property
    def store(self) -> Store:
        """Where answers are kept."""
        return open_study_store(self.study, self.database, clock=self.clock)

    @property
    def folder(self) -> Path:
        """Folder of the study."""
        return self.study.folder

    @property
    def protocol(self) -> Protocol:
        """The protocol as built, without amendments."""
        return self.study.protocol

    @property
    def questionnaire(self) -> Questionnaire:
        """What readers are asked."""
        return self.study.questionnaire

    @property
    def manifest(self) -> Manifest:
        """What is shown, to whom, in which order; never what it is."""
        return self.study.manifest

    @property
    def phase(self) -> Phase:
        """How far the study has come."""
        with self.store.reading() as connection:
            return phase_of(find_milestones(connection))

    def status(self) -> StudyStatus:
        """Return how far every reader has come; never an answer."""
        with self.store.reading() as connection:
            return read_status(self.study, connection)

    def flow(self) -> Flow:
        """Return how many readings came how far, and what GRRAS asks of a report."""
        with self.store.reading() as connection:
            return read_flow(self.study, connection)

    def problems(self) -> list[str]:
        """Return why the study cannot be opened for reading; empty if it can."""
        return lifecycle.readiness(self.study, self.store)

    def add_reader(
        self,
        name: str,
        *,
        specialty: str,
        years: float,
        by: str,
        slot: str = "",
        site: str = "",
    ) -> Reader:
        """Add a reader; see `reader_study.running.registry`."""
        profile = Profile(name, specialty, years, slot, site=site)
        return add_reader(self.study, self.store, profile, by=by, clock=self.clock)

    def session(self, reader: str) -> ReadingSession:
        """Return the session of a reader, who reads and answers in it."""
        return ReadingSession(self.study, self.store, reader, clock=self.clock)

    def start(self, *, by: str) -> Head:
        """Let readers begin.

        Raises:
            StudyError: If the study is not ready; every reason is named.
        """
        return lifecycle.open_for_reading(
            self.study, self.store, by=by, clock=self.clock
        )

    def simulate(
        self,
        key: PathLike,
        *,
        passphrase: Passphrase,
        seed: int = 1,
        **plan: float | None,
    ) -> Simulated:
        """Let bots read a study without readers; it stays marked as simulated.

        Args:
            key: The sealed key.
            passphrase: What opens it.
            seed: Seed of all chance.
            plan: Fields of `SimulationPlan`, such as `kappa=0.6`, `missing=0.05`,
                and with truth `auc=0.9`, `auc_test=0.85`.

        Raises:
            StudyError: If the study has readers, or a value cannot be used.
        """
        known = list(SimulationPlan.__dataclass_fields__)
        unknown = [name for name in plan if name not in known]
        if unknown:
            msg = f"A plan must have {', '.join(known)} only, got {unknown[0]}"
            raise StudyError(msg)
        planned = SimulationPlan(**plan)  # type: ignore[arg-type]
        rng = np.random.default_rng(_whole(seed, "seed", 0))
        truth = unseal(_path(key, "key"), _passphrases(passphrase))
        return _simulate(
            self.study, self.store, truth, planned, rng=rng, clock=self.clock
        )

    def withdraw_case(self, names: Sequence[str], *, reason: str, by: str) -> Head:
        """Withdraw a case, which then counts as missing for all; a deviation.

        Args:
            names: Pseudo-IDs of the case; one is enough, the others are still shown.
            reason: Reason for it.
            by: Name of who withdraws.

        Raises:
            StudyError: If there is no such pseudo-ID, or the data are locked.
        """
        return withdrawal.withdraw_case(
            self.study,
            self.store,
            _texts(names),
            reason=reason,
            by=by,
            clock=self.clock,
        )

    def names_of_case(
        self, name: str, key: PathLike, *, passphrase: Passphrase
    ) -> tuple[str, ...]:
        """Return all pseudo-IDs of a case; for the keeper of the key.

        Args:
            name: One of its pseudo-IDs, or its name in cases.csv.
            key: The sealed key.
            passphrase: What opens it.

        Raises:
            StudyError: If there is no such case, or the key is another one.
        """
        truth = unblinding.open_key(
            self.study, _path(key, "key"), _passphrases(passphrase)
        )
        return withdrawal.names_of_case(self.study, truth, name)

    def damage(self) -> tuple[str, ...]:
        """Return what is wrong with pictures and training; each file is read anew."""
        return self.study.damage()

    def lock(self, *, by: str, incomplete: str = "") -> Mapping[str, object]:
        """Freeze the data and write the lock record into the study's folder.

        Args:
            by: Name of who locks.
            incomplete: Why, although trials are not signed; a deviation.

        Returns:
            The lock record; a copy of it kept elsewhere anchors the log.

        Raises:
            StudyError: If trials are not signed, or the log does not verify, and no
                reason is given; or if there is a lock record already.
        """
        path = self.folder / LOCK_RECORD
        if path.exists() and self.phase is Phase.OPEN:
            msg = (
                f"{path} must not be there, for the data are not locked: the database "
                "is an older copy. Put back a newer one, or keep that record elsewhere"
            )
            raise StudyError(msg)
        record = lifecycle.lock(
            self.study,
            self.store,
            by=by,
            clock=self.clock,
            incomplete=incomplete,
            accept_damage=self.accept_damage,
        )
        write_new(path, json.dumps(record, indent=2) + "\n")
        return record

    def verify(self, anchors: Sequence[PathLike] = ()) -> Verification:
        """Check the log, every row it covers, anchors, pictures and training.

        Args:
            anchors: Receipts and lock records; the study's own one is always taken.

        Raises:
            StudyError: If an anchor is none.
        """
        known, faults = self._all_anchors(anchors)
        with self.store.reading() as connection:
            found = verify(connection, known)
        return replace(found, faults=(*found.faults, *faults, *self.damage()))

    def verify_draw(self, key: PathLike, *, passphrase: Passphrase) -> int:
        """Repeat the draw of a study that has been unblinded.

        Args:
            key: The sealed key.
            passphrase: What opens it.

        Returns:
            Number of pictures of the study, all as protocol and nonce draw them.

        Raises:
            StudyError: If the study was not unblinded, the key is another one, or the
                draw is another.
        """
        self.require_unblinded()
        truth = unblinding.open_key(
            self.study, _path(key, "key"), _passphrases(passphrase)
        )
        check_draw(self.manifest, truth, self.protocol)
        return len(self.manifest.presentations)

    def require_unblinded(self) -> None:
        """Refuse what would reveal the allocation while it is still secret.

        Raises:
            StudyError: If the study was not unblinded.
        """
        phase = self.phase
        if phase is not Phase.UNBLINDED:
            msg = f"The draw can be repeated after unblinding, this study is {phase}"
            raise StudyError(msg)

    def unblind(
        self,
        key: PathLike,
        *,
        passphrase: Passphrase,
        names: Sequence[str],
        reason: str,
        out: PathLike | None = None,
        anchors: Sequence[PathLike] = (),
    ) -> unblinding.Unblinded:
        """Open the key of a locked study and join it with the answers.

        Args:
            key: The sealed key.
            passphrase: What opens it.
            names: Two people who stand for it.
            reason: Reason for unblinding now.
            out: Folder to write the result to, outside the study; None to write none.
            anchors: Receipts and lock records that the log must fit.

        Raises:
            StudyError: If the data are not locked or were changed since, or the key is
                not the one of this study.
        """
        folder = None if out is None else self._outside(_path(out, "out"))
        people = _texts(names)
        if len(people) != 2:
            msg = f"Two people must be named, got {len(people)}"
            raise StudyError(msg)
        first, second = people
        request = unblinding.UnblindRequest(
            _path(key, "key"),
            _passphrases(passphrase),
            first,
            second,
            reason,
            *self._all_anchors(anchors),
            accept_damage=self.accept_damage,
        )
        done = _unblind(self.study, self.store, request, clock=self.clock)
        if folder is not None:
            done.write(folder)
        return done

    def export(self, out: PathLike, *, by: str) -> int:
        """Write all answers masked, without case and method; the log keeps it.

        Returns:
            Number of answers.

        Raises:
            StudyError: If the file exists or cannot be written.
        """
        path = _path(out, "out")
        return export_masked(self.study, self.store, path, by=by, clock=self.clock)

    def anchors(self, paths: Sequence[PathLike] = ()) -> list[Head]:
        """Return entries of the log from receipts and lock records, and the own one.

        Raises:
            StudyError: If a file that is given holds no `head`.
        """
        return self._all_anchors(paths)[0]

    def _all_anchors(
        self, paths: Sequence[PathLike]
    ) -> tuple[list[Head], tuple[str, ...]]:
        """Return anchors, and what is wrong with the study's own."""
        given = [read_anchor(_path(path, "anchor")) for path in paths]
        own = self.folder / LOCK_RECORD
        if not own.exists():
            return given, ()
        try:
            return [*given, read_anchor(own)], ()
        except StudyError as error:
            return given, (f"{error}; put back the copy of it that is kept elsewhere",)

    def close(self) -> None:
        """Close the store."""
        store: Store | None = self.__dict__.pop("store", None)
        if store is not None:
            store.close()

    def _outside(self, out: Path) -> Path:
        if out.resolve().is_relative_to(self.folder.resolve()):
            msg = f"The result must lie outside of {self.folder}, got {out}"
            raise StudyError(msg)
        if out.exists() and not (out.is_dir() and not any(out.iterdir())):
            msg = f"{out} must be a new folder or an empty one"
            raise StudyError(msg)
        return out


def open_study(
    folder: PathLike, *, database: str | None = None, accept_damage: str = ""
) -> RunningStudy:
    """Open a built study, and check manifest, protocol and questionnaire.

    A damaged picture stops nothing; `RunningStudy.damage` names it.

    Args:
        folder: Folder of the study.
        database: URL, `sqlite:///...` or `postgresql://...`; None for the one in the
            study's folder.
        accept_damage: Why `lock` and `unblind` go on although the store is damaged;
            see `RunningStudy`.

    Raises:
        StudyError: If it was not built, or something in it was changed since.
    """
    study = _open_study(_path(folder, "study"))
    return RunningStudy(study, database, accept_damage=accept_damage)


def build(
    study_toml: PathLike,
    *,
    cases: PathLike,
    out: PathLike,
    key: PathLike,
    passphrase: Passphrase,
    jobs: int = 2,
) -> BuiltStudy:
    """Draw, encode, audit and seal a study; all of it or nothing.

    Args:
        study_toml: The protocol.
        cases: Table of cases with two montages each.
        out: New folder of the study.
        key: New file of the sealed key, outside the study.
        passphrase: One, or those of two people who open the key together.
        jobs: Pictures at a time.

    Raises:
        StudyError: If something given cannot be used, something would be written over,
            or the audit finds a leak.
    """
    request = BuildRequest(
        protocol=_path(study_toml, "study_toml"),
        cases=_path(cases, "cases"),
        out=_path(out, "out"),
        key=_path(key, "key"),
        passphrases=_passphrases(passphrase),
        jobs=_whole(jobs, "jobs", 1),
    )
    return build_study(request)


def audit(
    folder: PathLike,
    *,
    key: PathLike | None = None,
    passphrase: Passphrase = (),
    responses: PathLike | None = None,
) -> AuditReport:
    """Search a built study for what tells the methods apart.

    With the key a machine, too, learns to tell the methods by the pictures.

    Args:
        folder: Folder of the study.
        key: Its key; None to check only what must be equal in all files.
        passphrase: What opens the key.
        responses: responses.csv of its unblinding, to have the readers beside the
            machine; needs the key.

    Raises:
        StudyError: If it is no study, the key is another study's, or the responses
            cannot be used.
    """
    place = _path(folder, "study")
    if key is None:
        if responses is not None:
            msg = "responses must come with the key, got no key"
            raise StudyError(msg)
        return audit_study(place)
    truth = unseal(_path(key, "key"), _passphrases(passphrase))
    answers = None if responses is None else _path(responses, "responses")
    return picture_audit(place, truth, answers)


def restore(
    folder: PathLike,
    *,
    key: PathLike,
    passphrase: Passphrase,
    montages: PathLike | None = None,
) -> Restored:
    """Put back the files of a study that are not as they were built.

    Args:
        folder: Folder of the study.
        key: Its key, which holds a copy of the small files.
        passphrase: What opens the key.
        montages: Folder with the montages that the study was built from, to restore
            pictures; None to leave them alone.

    Raises:
        StudyError: If the key is of an earlier version or of another study, or a file
            cannot be written.
    """
    source = None if montages is None else _path(montages, "montages")
    truth = unseal(_path(key, "key"), _passphrases(passphrase))
    return restore_study(_path(folder, "study"), truth, source)


def simulate(
    study: PathLike | RunningStudy,
    *,
    key: PathLike,
    passphrase: Passphrase,
    seed: int = 1,
    **plan: float | None,
) -> Simulated:
    """Let bots read a study without readers; see `RunningStudy.simulate`."""
    with _opened(study) as opened:
        return opened.simulate(key, passphrase=passphrase, seed=seed, **plan)


def unblind(
    study: PathLike | RunningStudy,
    *,
    key: PathLike,
    passphrase: Passphrase,
    names: Sequence[str],
    reason: str,
    out: PathLike | None = None,
) -> unblinding.Unblinded:
    """Open the key of a locked study; see `RunningStudy.unblind`."""
    with _opened(study) as opened:
        return opened.unblind(
            key, passphrase=passphrase, names=names, reason=reason, out=out
        )


@contextmanager
def _opened(study: PathLike | RunningStudy) -> Iterator[RunningStudy]:
    if isinstance(study, RunningStudy):  # closed by who opened it
        yield study
        return
    with open_study(study) as opened:
        yield opened


def _path(given: object, what: str) -> Path:
    if not isinstance(given, str | os.PathLike) or not os.fspath(given):
        msg = f"{what} must be a path, got {given!r:.40}"
        raise StudyError(msg)
    return Path(given)


def _whole(given: object, what: str, least: int) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < least:
        msg = f"{what} must be a whole number from {least} on, got {given!r:.40}"
        raise StudyError(msg)
    return given


def _passphrases(given: object) -> tuple[str, ...]:
    passphrases = _texts(given)
    if not passphrases:
        kind = type(given).__name__
        msg = f"passphrase must be a text, or those of two people, got {kind}"
        raise StudyError(msg)
    return passphrases


def _texts(given: object) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    listed = given if isinstance(given, list | tuple) else ()
    return tuple(listed) if all(isinstance(text, str) for text in listed) else ()
