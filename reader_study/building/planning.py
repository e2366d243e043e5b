"""A study before it is built: its files read and checked, drawn, and looked at."""

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reader_study.building import study
from reader_study.building.cases_file import Case, candidates, read_cases
from reader_study.design.allocation import Candidate
from reader_study.design.explicit import TABLE
from reader_study.design.orders import DesignError
from reader_study.design.study_plan import StudyPlan, kept, plan_study
from reader_study.errors import StudyError, counted
from reader_study.formats import checking
from reader_study.formats import design as formats_design
from reader_study.formats import protocol as formats_protocol
from reader_study.formats import questionnaire as formats_questionnaire
from reader_study.formats.manifest import Slot
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.plan_check import check_plan
from reader_study.formats.showing.display import in_words


@dataclass(frozen=True)
class PreparedStudy:
    """All that a study is drawn from, each file checked alone and with the others.

    Attributes:
        source: study.toml with its lines.
        folder: Its folder.
        protocol: What it says.
        questionnaire: What is asked.
        cases: All of cases.csv.
        plan: Of the analysis.
        table: Who reads what, where the design is a table.
    """

    source: checking.Source
    folder: Path
    protocol: formats_protocol.Protocol
    questionnaire: formats_questionnaire.Questionnaire
    cases: Mapping[str, Case]
    plan: AnalysisPlan
    table: tuple[formats_design.TableRow, ...] = ()

    def draw(self, nonce: str) -> tuple[StudyPlan, dict[str, object]]:
        """Return the study that a nonce draws, and what the key says of how.

        Raises:
            FormatError: If these cases and readers do not fill the design; the key of
                study.toml and its line are named.
            StudyError: If there are too few cases.
        """
        try:
            available = candidates(self.cases, self.protocol)
            plan = plan_study(available, self.protocol, nonce, self.table)
        except DesignError as error:
            raise self.source.error([error.fault]) from None
        told: dict[str, object] = {
            "available": {
                name: kept(of) if isinstance(of, Candidate) else of
                for name, of in available.items()
            }
        }
        if self.table:
            told[TABLE] = [row.content for row in self.table]
        return plan, told


def prepare(protocol: Path, cases: Path) -> PreparedStudy:
    """Read and check the files of a study.

    Args:
        protocol: study.toml; a questionnaire and a table of its own lie beside it.
        cases: cases.csv.

    Raises:
        StudyError: If one cannot be used; its line is named.
    """
    source, folder = checking.read_toml(protocol), protocol.parent
    planned = formats_protocol.protocol_of(source)
    formats_protocol.check_names(planned, source)
    questionnaire = questionnaire_of(planned, folder)
    plan = check_plan(planned, questionnaire, source)
    asked = [name for name in planned.design.strata if name in questionnaire.ids]
    if asked:
        why = f"must be columns of cases.csv, got the question {asked[0]!r}"
        raise source.error([checking.Fault(("design", "strata"), why)])
    _check_questions(planned, questionnaire, source)
    table: tuple[formats_design.TableRow, ...] = ()
    if planned.design.table:
        path = folder / planned.design.table
        text = checking.read_text(path, "utf-8-sig")
        table = formats_design.parse_table(text, str(path))
    found = read_cases(cases, planned.methods)
    return PreparedStudy(source, folder, planned, questionnaire, found, plan, table)


def _check_questions(
    protocol: formats_protocol.Protocol,
    questionnaire: formats_questionnaire.Questionnaire,
    source: checking.Source,
) -> None:
    """Check that what is shown at once is asked about, and nothing else.

    Raises:
        FormatError: If a question is about other pictures, or none is about these.
    """
    if protocol.panel is not None:
        _check_panel_question(protocol.panel.question, questionnaire, source)
    n, display = protocol.design.at_once, protocol.design.display
    about = [question for question in questionnaire if question.of_display]
    wrong = next((q for q in about if q.pictures != n), None)
    needed = "rank" if display == "ranking" else "which"
    why = ""
    if n == 1 and about:
        why = f"must not ask {about[0].type} where one picture is shown, {about[0].id}"
    elif wrong is not None:
        why = f"must ask about {n} pictures in {wrong.id}, got {wrong.pictures}"
    elif n > 1 and needed not in {q.type for q in about}:
        why = f"must have a question of type {needed} with display {display!r}"
    if why:
        raise source.error([checking.Fault(("study", "questionnaire"), why)])


def _check_panel_question(
    name: str,
    questionnaire: formats_questionnaire.Questionnaire,
    source: checking.Source,
) -> None:
    on_scale = [question.id for question in questionnaire if question.on_scale]
    if name not in on_scale:
        why = f"must be a question on a scale, of {', '.join(on_scale)}, got {name!r}"
        raise source.error([checking.Fault(("panel", "question"), why)])


@dataclass(frozen=True)
class Preview:
    """What readers see where; nothing of what it is.

    Attributes:
        slots: Orders of each reader; the last are in reserve, as the protocol says.
        pseudo_ids: By token.
        protocol: The protocol.
        plan: Of its analysis; None of a study that was built.
        n_cases: Cases that are read; 0 of a study that was built.
    """

    slots: tuple[Slot, ...]
    pseudo_ids: dict[str, str]
    protocol: formats_protocol.Protocol
    plan: AnalysisPlan | None = None
    n_cases: int = 0

    @property
    def display(self) -> str:
        """What is shown at a time, as a sentence; empty of one picture."""
        design = self.protocol.design
        return in_words(design.display, design.at_once)

    @property
    def sessions(self) -> list[int]:
        """Numbers of the sessions."""
        return sorted({s for slot in self.slots for s in slot.orders})

    def to_csv(self) -> str:
        """Return a row for each reading: reader, session, position, pseudo-ID."""
        rows = [
            {
                "reader": slot.name,
                "session": session,
                "position": position,
                "pseudo_id": self.pseudo_ids[token],
            }
            for slot in self.slots
            for session, order in sorted(slot.orders.items())
            for position, token in enumerate(order, 1)
        ]
        return formats_design.preview_text(rows)

    def to_text(self) -> str:
        """Return how many readings each reader has in each session."""
        sessions = self.sessions
        groups = Counter(slot.group for slot in self.slots)
        lines = [f"{'reader':<16}{'group':<12}" + "".join(f"{s:>6}" for s in sessions)]
        total, n_planned = 0, len(self.slots) - self.protocol.reserve
        for number, slot in enumerate(self.slots):
            sizes = [len(slot.orders.get(s, ())) for s in sessions]
            total += sum(sizes) if number < n_planned else 0
            numbers = "".join(f"{n:>6}" for n in sizes)
            numbers += "" if number < n_planned else "  in reserve"
            lines.append(f"{slot.name:<16}{slot.group:<12}{numbers}")
        lines.append(
            f"{total} readings in {counted(len(sessions), 'session')}, "
            f"{counted(len(groups), 'group')} of readers, "
            f"{counted(len(self.pseudo_ids), 'picture')} to be written."
        )
        lines += [self.display] if self.display else []
        return "\n".join(lines)


def preview(path: Path, cases: Path | None = None) -> Preview:
    """Return the table of a built study, or of one draw of a protocol.

    Args:
        path: STUDY, or study.toml. A build of it draws anew.
        cases: cases.csv, with a protocol.

    Raises:
        StudyError: If it is no study, or a protocol that cannot be drawn.
    """
    if path.is_dir():
        manifest = study.read_manifest(path)
        names = {p.token: p.pseudo_id for p in manifest.presentations}
        protocol = formats_protocol.read_protocol(path / study.PROTOCOL)
        return Preview(manifest.slots, names, protocol)
    if cases is None:
        msg = f"cases must be given with a protocol, got {path} alone"
        raise StudyError(msg)
    prepared = prepare(path, cases)
    drawn, _ = prepared.draw(secrets.token_hex(32))
    names = {p.token: p.pseudo_id for p in drawn.presentations}
    n_cases = len({cell.case for cell in drawn.cells.values()})
    return Preview(drawn.slots, names, prepared.protocol, prepared.plan, n_cases)


def questionnaire_of(
    protocol: formats_protocol.Protocol, folder: Path
) -> formats_questionnaire.Questionnaire:
    """Return the questionnaire that a protocol asks for, the paper's or its own file.

    Raises:
        FormatError: If it cannot be read, or nobody could read with it.
    """
    if protocol.questionnaire == formats_questionnaire.PAPER:
        return formats_questionnaire.paper_questionnaire()
    path = folder / protocol.questionnaire
    found = formats_questionnaire.read_questionnaire(path)
    formats_questionnaire.check_for_reading(found, str(path))
    return replace(found, first_form=False)  # what is written is schema 1
