"""Options that several commands of `magic-analyze` share."""

import sys
from pathlib import Path
from typing import Annotated

import typer

OutFolder = Annotated[Path, typer.Option("--out", help="Folder for all results.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Level = Annotated[
    float, typer.Option("--confidence-level", help="Level of all intervals.")
]


def progress(step: str) -> None:
    """Print a step of a long command to stderr."""
    print(f"  {step}", file=sys.stderr)
