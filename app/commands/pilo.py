"""`magic-app pilo`: load network and NCCT, then serve the explorer."""

from pathlib import Path

from app.configuration import require_free


def prepare(checkpoint: Path, source: Path, port: int) -> str:
    """Load everything, so that faults are told before a server runs.

    Returns:
        What is explored, and where.

    Raises:
        ExplorerError: If the checkpoint or the NCCT cannot be used.
        StudyError: If the port cannot be had.
    """
    from app.pilo.serving import loaded_explorer

    require_free(port)
    explorer = loaded_explorer(checkpoint.resolve(), source.resolve())
    return (
        f"{explorer.origin}; {explorer.n_slices} slices\n"
        "Exploratory, outside the blinded study, research use only: "
        f"http://127.0.0.1:{port}"
    )


def run(checkpoint: Path, source: Path, port: int) -> None:
    """Serve the explorer until stopped; what `prepare` loaded is not loaded again."""
    from app.pilo.serving import serve

    serve(checkpoint.resolve(), source.resolve(), port)
