"""A study before it is built, in the form in which registries ask for it.

The headings are those of the preregistration form of the Open Science Framework; what
only a person can say is marked.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from reader_study.building import planning, power_file, study
from reader_study.clock import Clock, SystemClock, to_text
from reader_study.errors import StudyError, counted
from reader_study.formats import checking, sealed
from reader_study.formats.asking.panel import BY_WHOM, Panel
from reader_study.formats.endpoint import Endpoint
from reader_study.formats.plan import AnalysisPlan, in_words
from reader_study.formats.plan_check import check_plan
from reader_study.formats.protocol import Protocol, protocol_of
from reader_study.formats.questionnaire import Questionnaire
from reader_study.formats.showing import display as displays

if TYPE_CHECKING:
    from docx.document import Document

MARK = "To be filled in:"
"""What stands before all that a person must write."""

_MULTIPLICITY: Mapping[str, str] = {
    "holm": "Holm's step-down method",
    "fixed_sequence": "a fixed sequence, in the order above",
    "none": "no correction, so none after the primary one is a claim",
}


_ORDERS: Mapping[str, str] = {
    "per_reader": "each reader has an order of their own",
    "shared": "one order a session for all readers",
}


_KNOWN = "Readers know neither the method nor the case of a picture,"
_KNOWN_OF_AID = (
    "Readers know when the aid is shown. They do not know the case of a picture,"
)
_SHOWN: Mapping[displays.Display, str] = {
    "one picture": "One picture at a time.",
    "side by side": "{} pictures of a case side by side, under letters.",
    "choice": "{} pictures of a case side by side, under letters, to choose among.",
    "ranking": "{} pictures of a case side by side, under letters, to be ranked.",
    "aided": "Each case first without the aid, then with it; the first answer is kept "
    "before the aid is shown and stays as it was.",
}
_OF_ACCEPTABLE = ("acceptability", "share_acceptable")


@dataclass(frozen=True)
class Answer:
    """A question of the form.

    Attributes:
        asks: Its heading.
        said: Paragraphs that the study answers with.
        person: What a person must add, empty where nothing is missing.
    """

    asks: str
    said: tuple[str, ...] = ()
    person: str = ""


@dataclass(frozen=True)
class Registration:
    """A text for a registry.

    Attributes:
        title: Of the study.
        parts: Answers by part of the form.
        hashes: What ties the text to the study, by name.
    """

    title: str
    parts: Mapping[str, tuple[Answer, ...]]
    hashes: Mapping[str, str]

    @property
    def n_open(self) -> int:
        """How many places a person must fill in."""
        return sum(bool(one.person) for of in self.parts.values() for one in of)

    def to_markdown(self) -> str:
        """Return the text, with each open place marked."""
        lines = [f"# Preregistration: {self.title}", "", _FORM, ""]
        for part, answers in self.parts.items():
            lines += [f"## {part}", ""]
            for one in answers:
                lines += [f"### {one.asks}", ""]
                lines += [text for said in one.said for text in (said, "")]
                lines += [f"> **{MARK}** {one.person}", ""] if one.person else []
        lines += [
            "## Hashes",
            "",
            _HASHES,
            "",
            sealed.hash_lines(self.hashes),
        ]
        return "\n".join(lines) + "\n"

    def write(self, path: Path) -> str:
        """Write the text, and as a Word document beside it; return its SHA-256.

        Raises:
            StudyError: If one of them is there already or cannot be written.
        """
        word = path.with_suffix(".docx")
        for file in (path, word):
            if file.exists():
                msg = f"{file} exists already and is not written over"
                raise StudyError(msg)
        text = self.to_markdown().encode()
        try:
            path.write_bytes(text)
            self._document().save(str(word))
        except OSError as error:
            msg = f"{error.filename or path}: cannot be written ({error.strerror})"
            raise StudyError(msg) from error
        return hashlib.sha256(text).hexdigest()

    def _document(self) -> "Document":
        from docx import Document  # slow to import
        from docx.enum.text import WD_COLOR_INDEX

        document = Document()
        document.add_heading(f"Preregistration: {self.title}", 0)
        document.add_paragraph(_FORM)
        for part, answers in self.parts.items():
            document.add_heading(part, 1)
            for one in answers:
                document.add_heading(one.asks, 2)
                for said in one.said:
                    document.add_paragraph(said)
                if one.person:
                    run = document.add_paragraph().add_run(f"{MARK} {one.person}")
                    run.font.highlight_color = WD_COLOR_INDEX.YELLOW
        document.add_heading("Hashes", 1)
        document.add_paragraph(_HASHES)
        for name, value in self.hashes.items():
            document.add_paragraph(f"{name}: {value}", style="List Bullet")
        return document


_FORM = (
    "In the form of the Open Science Framework's preregistration. Written from the "
    f"protocol of the study; what is marked '{MARK}' only a person can say."
)
_HASHES = (
    "The protocol hash covers every setting of study.toml, the plan of analysis among "
    "them. A report of this study names the same hash; any other was made of another "
    "plan. The time below is that of one computer; the registry's is the one that "
    "counts."
)


def preregister(
    path: Path, *, power: Path | None = None, clock: Clock | None = None
) -> Registration:
    """Return what a registry is told of a study.

    Args:
        path: study.toml, or STUDY, whose commitment to the key is then told, too.
        power: What `magic-analyze power` wrote of its size, as JSON.
        clock: Of the time stamp.

    Raises:
        StudyError: If a file cannot be used.
    """
    folder = path if path.is_dir() else path.parent
    commitment = ""
    if path.is_dir():
        built = study.open_study(path)
        protocol, questionnaire = built.protocol, built.questionnaire
        commitment = built.manifest.commitment
        source = checking.read_toml(folder / study.PROTOCOL)
    else:
        source = checking.read_toml(path)
        protocol = protocol_of(source)
        questionnaire = planning.questionnaire_of(protocol, folder)
    plan = check_plan(protocol, questionnaire, source)
    hashes = {
        sealed.PROTOCOL_HASH: protocol.sha256,
        sealed.QUESTIONNAIRE_HASH: questionnaire.sha256,
    }
    if commitment:
        hashes[sealed.COMMITMENT] = commitment
    hashes[sealed.MADE] = to_text((clock or SystemClock()).now())
    parts = {
        "Study information": (*_information(protocol, plan),),
        "Design plan": (*_design(protocol, commitment),),
        "Sampling plan": (*_sampling(protocol, power),),
        "Variables": (*_variables(protocol, plan, questionnaire),),
        "Analysis plan": (*_analysis(plan),),
        "Other": (_other(plan, commitment),),
    }
    return Registration(" ".join(protocol.title.split()), parts, hashes)


def _information(protocol: Protocol, plan: AnalysisPlan) -> Iterator[Answer]:
    yield Answer("Title", (protocol.title,))
    yield Answer("Authors", person="names, affiliations, ORCID, who is responsible.")
    reference, *others = protocol.methods
    compared = f"{reference} (reference) with {', '.join(others)}"
    about = f"compares {compared}" if others else f"is about {reference} alone"
    yield Answer(
        "Description",
        (
            f"A blinded reader study that {about}: "
            f"{counted(protocol.n_readers, 'reader')} judge pictures of "
            f"{_cases_in_words(protocol)}.",
        ),
        "why the study is done, what is known already, ethics approval.",
    )
    yield Answer("Hypotheses", (*_hypotheses(plan),))


def _hypotheses(plan: AnalysisPlan) -> Iterator[str]:
    if isinstance(plan.primary, str) and plan.primary.strip():
        yield f"Primary endpoint, in words: {plan.primary.strip()}"
    endpoints = _endpoints(plan)
    if not endpoints:
        yield "The plan names no endpoint in the form of data."
    for one in endpoints:
        rank = "Primary" if one is plan.primary else "Further"
        yield f"{rank}. {in_words(one, plan)}"


def _endpoints(plan: AnalysisPlan) -> tuple[Endpoint, ...]:
    named = (plan.primary,) if isinstance(plan.primary, Endpoint) else ()
    return (*named, *plan.endpoints)


def _design(protocol: Protocol, commitment: str) -> Iterator[Answer]:
    layout = protocol.design
    sessions = counted(layout.sessions, "session")
    yield Answer(
        "Study type",
        (
            "Reader study: chance decides which reader sees which picture when. No "
            "patient is assigned to anything, and no reading serves care.",
        ),
    )
    aided = layout.display == "aided"
    blind = (
        f"{_KNOWN_OF_AID if aided else _KNOWN} which has another "
        "name in each session, and see no answer of others. What tells the methods "
        "apart is sealed under passphrases away from the reading server, and is opened "
        "once the data are locked, by two people who are named. Before anyone reads, "
        "all served files are searched for what gives the method away."
    )
    told = f"The key is committed to by {commitment}." if commitment else ""
    accepted = ", ".join(protocol.accepted_cues)
    yield Answer("Blinding", (blind, *filter(None, [told])))
    yield Answer(
        "Additional blinding",
        (
            f"Cues of the pictures that may tell the methods apart: {accepted}."
            if accepted
            else "No cue of the pictures is accepted that may tell the methods apart.",
        ),
        "whether those who analyse are blinded, too.",
    )
    kind = f"{counted(len(layout.arms), 'method')} ({', '.join(layout.arms)})"
    pauses = [protocol.washout_before(n) for n in range(2, layout.sessions + 1)]
    apart = ", ".join(f"{days:g} days" for days in pauses)
    shown = _SHOWN[layout.display].format(layout.at_once)
    yield Answer(
        "Study design",
        (
            f"{kind}, {layout.pairing}; {layout.allocation}; {sessions}"
            f"{f', at least {apart} apart' if apart else ''}. "
            f"{shown} Reading: {protocol.viewer}. "
            f"Second readings for repeatability: {layout.repeat or 'none'}.",
        ),
    )
    yield Answer("Randomisation", (_randomisation(protocol),))


def _randomisation(protocol: Protocol) -> str:
    layout = protocol.design
    said = [
        f"Drawn from 256 random bits that are sealed with the key: cases, who sees "
        f"which picture in which session ({layout.spread}), names and orders "
        f"({_ORDERS.get(layout.order, layout.order)})."
    ]
    if layout.display in displays.SEVERAL:
        said.append("Places of the methods are balanced for each group of readers.")
    if layout.strata:
        said.append(f"Balanced within {', '.join(layout.strata)}.")
    if layout.max_run:
        said.append(f"At most {layout.max_run} pictures of one method in a row.")
    if layout.min_distance:
        said.append(f"Positions of a case differ by {layout.min_distance} or more.")
    said.append("After unblinding anyone who has the key can repeat the draw.")
    return " ".join(said)


def _sampling(protocol: Protocol, power: Path | None) -> Iterator[Answer]:
    yield Answer(
        "Existing data",
        person="whether pictures, or readings of them, exist and who has seen them. "
        "Register before the first reading.",
    )
    roles = ", ".join(protocol.roles) or "any specialty"
    training = protocol.training.strip() or "as the training cases say"
    corrections = "may" if protocol.corrections else "may not"
    yield Answer(
        "Data collection procedures",
        (
            f"{counted(protocol.n_readers, 'reader')} ({roles}). Training: "
            f"{training if protocol.training or protocol.training_cases else 'none'}. "
            f"Answers {corrections} be corrected, with a reason, until the session is "
            "signed; each change is kept in a log.",
            f"Readers are told: {' '.join(protocol.instructions.split())}"
            if protocol.instructions.strip()
            else "Readers are given no instructions.",
        ),
        "how patients and readers are found: criteria, places, dates.",
    )
    yield Answer(
        "Sample size",
        (
            f"{_readers_in_words(protocol)}, "
            f"{_cases_in_words(protocol)}, {counted(protocol.n_trials, 'session')}.",
        ),
    )
    size = (protocol.n_readers, protocol.n_cases)
    rationale = power_file.in_words(power, size) if power else ()
    missing = "why so many, such as by magic-analyze power (--power takes its JSON)."
    yield Answer("Sample size rationale", rationale, "" if rationale else missing)
    yield Answer(
        "Stopping rule",
        (
            "Reading ends when every reader has signed every session; then the data "
            "are locked. Nothing is analysed before. A lock before that, and a reader "
            "or case withdrawn, is recorded as a deviation with its reason.",
        ),
    )


def _readers_in_words(protocol: Protocol) -> str:
    n, more = counted(protocol.n_readers, "reader"), protocol.reserve
    return f"{n} and {counted(more, 'place')} in reserve" if more else n


def _cases_in_words(protocol: Protocol) -> str:
    if not protocol.n_cases:
        return "all cases given"
    of = ", ".join(
        f"{n} {name.replace('_', ' ')}" for name, n in protocol.per_severity.items()
    )
    return f"{counted(protocol.n_cases, 'case')} ({of})"


def _variables(
    protocol: Protocol, plan: AnalysisPlan, questionnaire: Questionnaire
) -> Iterator[Answer]:
    methods = ", ".join(protocol.methods)
    yield Answer("Manipulated variables", (f"Method of the picture: {methods}.",))
    asked = tuple(
        f"{question.id}. {question.text} "
        + "; ".join(
            f"{code} = {label}"
            for code, label in zip(question.codes, question.labels, strict=True)
        )
        for question in questionnaire
    )
    yield Answer("Measured variables", asked)
    said = []
    if any(one.measure in _OF_ACCEPTABLE for one in _endpoints(plan)):
        codes = ", ".join(map(str, plan.acceptable_codes))
        said.append(f"Acceptable: {codes}.")
    if plan.rating:
        said.append(
            f"Rating of disease: {plan.rating}; diseased are "
            f"{', '.join(map(str, plan.truth_positive)) or 'the values of truth'}; "
            f"positive from {plan.threshold:g}."
            if plan.threshold is not None
            else f"Rating of disease: {plan.rating}."
        )
    if protocol.panel is not None:
        said.append(_panel_in_words(protocol.panel))
    said += [f"Groups of {name}: {_grouped(of)}." for name, of in plan.groups.items()]
    said += [f"Own weights of {name}." for name in plan.weights]
    yield Answer("Indices", tuple(said) or ("None.",))


def _panel_in_words(panel: Panel) -> str:
    what = f"the truth of a case is the answer to {panel.question}"
    if panel.adjudicates:
        return f"Adjudication of panel {panel.adjudicates}: {what}."
    shown = "with" if panel.show_readings else "without"
    return (
        f"Panel: {what}, by rule {panel.rule}; where it gives none, by "
        f"{BY_WHOM[panel.adjudication]}, {shown} the readings of the panel."
    )


def _grouped(groups: Mapping[str, Iterable[object]]) -> str:
    return "; ".join(
        f"{name} = {', '.join(map(str, codes))}" for name, codes in groups.items()
    )


def _analysis(plan: AnalysisPlan) -> Iterator[Answer]:
    level = f"{100 * plan.confidence_level:g} %"
    yield Answer(
        "Statistical models",
        (
            "Every estimate has readers and patients as crossed random samples; with "
            "fewer than two readers patients alone are random. The formulas of each "
            "measure are in the documentation of the program named below.",
        ),
    )
    yield Answer("Transformations", ("None but the indices above.",))
    shared = _MULTIPLICITY.get(plan.multiplicity, plan.multiplicity)
    yield Answer(
        "Inference criteria",
        (
            f"Two-sided {level} intervals, error {100 * plan.alpha:g} %. A one-sided "
            "claim is judged by the same interval, so at half of that error; "
            "equivalence by two one-sided tests. The primary claim is a gate; those "
            f"after it share its error by {shared}.",
        ),
    )
    yield Answer(
        "Data exclusion",
        (
            "No reading is left out for what it says. A case or reader withdrawn "
            "before unblinding, with a reason in the log, does not count.",
        ),
        "anything else that would be left out.",
    )
    ways = {
        "exclude": "left out of that question",
        "disagree": "counted as a disagreement in the percent agreement",
    }
    way = ways[plan.incomplete_pairs]
    yield Answer(
        "Missing data",
        (
            f"An answer that is missing, and a pair of answers with one, is {way}. "
            "None is imputed.",
        ),
    )
    by = ", ".join(plan.subgroups)
    yield Answer(
        "Exploratory analysis",
        (
            "Whatever is not named under Hypotheses is exploratory and is called so"
            f"{f'; among it subgroups by {by}' if by else ''}.",
        ),
    )


def _other(plan: AnalysisPlan, commitment: str) -> Answer:
    notes = [f"{name}: {value}" for name, value in plan.notes.items()]
    said = f"Program: magic-ctp {version('magic-ctp')}."
    missing = (
        ""
        if commitment
        else "the commitment that magic-study build prints, once the study is built; "
    )
    return Answer(
        "Other", (said, *notes), f"{missing}funding, interests, where data will be."
    )
