"""What the user of the explorer can mend."""

import typer


class ExplorerError(typer.TyperException):
    """A checkpoint, an NCCT or a port that cannot be used; the command tells it."""
