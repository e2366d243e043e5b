"""`magic-analyze deposit`: a study as archives, journals and other programs take it."""

from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.shared import progress
from analysis.errors import InputError, user_input


def deposit(
    responses: Annotated[Path, typer.Argument(help="responses.csv")],
    out: Annotated[
        Path, typer.Option(help="New folder; OUT.zip is written beside it.")
    ],
    licence: Annotated[
        str,
        typer.Option(help="SPDX name, such as CC-BY-4.0; without it nobody may reuse."),
    ] = "",
    creator: Annotated[
        list[str] | None, typer.Option(help="Who made the data; once for each.")
    ] = None,
    title: Annotated[str, typer.Option(help="Of the study; else the plan's.")] = "",
    with_texts: Annotated[
        bool,
        typer.Option(
            "--with-texts", help="Also what readers wrote; it may name people."
        ),
    ] = False,
    reader_names: Annotated[
        bool, typer.Option("--reader-names", help="Keep them; else R1, R2, ...")
    ] = False,
    every_method: Annotated[
        bool, typer.Option("--every-method", help="More than two methods.")
    ] = False,
) -> None:
    """Write readings, codebook, an R script that recomputes the headline, and more.

    The folder holds the same data for REDCap, as CDISC ODM, and described for archives
    (Psych-DS, RO-Crate). Readers get other names.
    """
    from analysis import api
    from analysis.deposit import Described, write_deposit

    progress(f"reading {responses}")
    with user_input():
        study = (api.read_arms if every_method else api.read_study)(responses)
        if isinstance(study, api.DisplayStudy):
            msg = (
                f"{responses} must hold readings of one picture at a time, got several "
                "at once: magic-analyze report and dossier serve those"
            )
            raise InputError(msg)
    about = Described(
        title=title or study.plan.title or "A blinded reader study",
        licence=licence,
        creators=tuple(creator or ()),
    )
    progress(f"writing {out}")
    digest = write_deposit(
        study, out, about, texts=with_texts, reader_names=reader_names
    )
    if not licence:
        print("No licence was given (--licence), so nobody may use the data again.")
    print(f"Deposit: {out}, and {out}.zip, SHA-256 {digest}")
