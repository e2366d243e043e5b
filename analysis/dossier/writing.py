"""Write a dossier: a page to print, checklists as CSV, the figure of the flow."""

import base64
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from analysis.dossier import checklists, requirements
from analysis.dossier.checklists import Answered, Checklist, Status
from analysis.dossier.facts import AnyStudy, absent_of, context_of, facts_of
from analysis.dossier.flow_figure import draw_flow
from analysis.dossier.images import image_facts
from analysis.dossier.network import network_facts
from analysis.report import figures as report_figures
from analysis.report.documents import page_template
from analysis.report.section import Provenance
from analysis.report.writing import complete_or_untouched, stamp_provenance

PAGE, FLOW = "dossier.html", "flow"


@dataclass(frozen=True)
class Part:
    """A checklist with its answers.

    Attributes:
        checklist: The checklist.
        file: Name of its CSV.
        rows: An answer for each item.
    """

    checklist: Checklist
    file: str
    rows: list[Answered]

    @property
    def counts(self) -> dict[Status, int]:
        """How many items are answered by whom."""
        return checklists.counts(self.rows)


@dataclass(frozen=True)
class Dossier:
    """What the page says.

    Attributes:
        title: Of the study.
        warning: What must be said about the data; may be empty.
        provenance: Where the readings come from.
        parts: The checklists.
    """

    title: str
    warning: str
    provenance: Provenance
    parts: list[Part]

    @property
    def n_person(self) -> int:
        """Items that a person must answer, or complete."""
        return sum(bool(row.person) for part in self.parts for row in part.rows)


def dossier_of(
    study: AnyStudy, network: Path | None = None, evaluation: Path | None = None
) -> Dossier:
    """Answer all checklists as far as the record of a study goes.

    Args:
        study: As `analysis.read_study` gives it.
        network: Folder of the training run behind the pictures.
        evaluation: Folder of `magic-model evaluate` about the maps that were shown.

    Raises:
        InputError: If those are not what they should be.
    """
    facts = facts_of(study) | (network_facts(network) if network else {})
    facts |= image_facts(evaluation) if evaluation else {}
    absent = absent_of(study)
    found = {name: checklists.checklist(name) for name in checklists.NAMES}
    return Dossier(
        title=study.plan.title or study.results.title,
        warning=study.results.warning,
        provenance=study.results.provenance,
        parts=[
            Part(of, f"{name}.csv", checklists.answered(of, facts, absent))
            for name, of in found.items()
        ],
    )


def write_dossier(
    study: AnyStudy,
    folder: Path,
    *,
    network: Path | None = None,
    evaluation: Path | None = None,
) -> Dossier:
    """Write the page, a CSV of each checklist and of the requirements, and the figure.

    Args:
        study: As `analysis.read_study` gives it.
        folder: Where to.
        network: Folder of the training run behind the pictures.
        evaluation: Folder of `magic-model evaluate` about the maps that were shown.

    Raises:
        InputError: If something given cannot be used; then nothing is written.
    """
    made = dossier_of(study, network, evaluation)
    with complete_or_untouched(folder) as staging, report_figures.house_style():
        figure = stamp_provenance(draw_flow(context_of(study)), made.provenance)
        report_figures.save_figure(figure, staging, FLOW)
        for part in made.parts:
            _write(staging / part.file, checklists.to_csv(part.rows))
        _write(staging / "requirements.csv", requirements.to_csv())
        svg = (staging / f"{FLOW}.svg").read_bytes()
        page = page_template("dossier.html.j2").render(
            study=made,
            flow=base64.b64encode(svg).decode(),
            requirements=requirements.requirements(),
            erasure=requirements.erasure(),
            statuses=checklists.STATUSES,
            version=version("magic-ctp"),
            reproduction=None,
        )
        _write(staging / PAGE, page)
    return made


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
