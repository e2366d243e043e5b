"""Options that several commands of `magic-model` have."""

from pathlib import Path
from typing import Annotated

import typer

Jobs = Annotated[int, typer.Option(min=1, help="Patients at a time.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all chance.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Out = Annotated[Path, typer.Option(help="Folder to write to.")]
NewCohort = Annotated[Path, typer.Option(help="Folder of the cohort.")]
CohortFolder = Annotated[Path, typer.Option(help="Folder with cohort.csv.")]
Series = Annotated[
    str, typer.Option(help="DICOM: number or UID of the series that is the NCCT.")
]
ArchivePart = Annotated[
    str, typer.Option("--part", help="Part of the patients, such as 2/8; else all.")
]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", help="Note patients that fail, and go on.")
]
Scheduler = Annotated[
    str, typer.Option(help="Address of a Dask scheduler whose workers do the work.")
]
OfMany = Annotated[
    bool,
    typer.Option(
        "--archive",
        help="Many patients: a folder; s3://BUCKET/PREFIX and DICOMweb addresses are.",
    ),
]
ArchiveLink = Annotated[
    Path | None,
    typer.Option(
        "--link",
        help="Archive: also write which patient is which, to keep apart.",
    ),
]
