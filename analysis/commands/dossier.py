"""`magic-analyze dossier`: what journals and boards ask, from the record."""

from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.shared import progress
from analysis.errors import user_input


def dossier(
    responses: Annotated[Path, typer.Argument(help="responses.csv")],
    out: Annotated[Path, typer.Option(help="Folder for page, tables and figure.")],
    network: Annotated[
        Path | None,
        typer.Option(help="Training run behind the pictures, or its checkpoint."),
    ] = None,
    evaluation: Annotated[
        Path | None,
        typer.Option(help="Folder of magic-model evaluate on the maps shown."),
    ] = None,
    every_method: Annotated[
        bool, typer.Option("--every-method", help="More than two methods.")
    ] = False,
) -> None:
    """Fill in checklists from the record and mark what a person must answer.

    GRRAS, CLAIM 2024, STARD-AI, TRIPOD+AI, DECIDE-AI, FDA's scorecard of synthetic
    data; the flow; data protection and electronic records. Goes with: magic-analyze
    report and deposit, magic-study preregister, magic-model evaluate.
    """
    from analysis import api
    from analysis.dossier import write_dossier
    from analysis.dossier.writing import PAGE

    progress(f"reading {responses}")
    with user_input():
        study = (api.read_arms if every_method else api.read_study)(responses)
    progress(f"writing {out}")
    made = write_dossier(study, out, network=network, evaluation=evaluation)
    if made.warning:
        print(made.warning)
    for part in made.parts:
        found = ", ".join(f"{n} {status}" for status, n in part.counts.items() if n)
        print(f"{part.checklist.name}: {len(part.rows)} rows: {found}")
    print(f"{made.n_person} places for a person to fill in")
    print(f"Dossier: {out / PAGE}")
