"""`magic-app pilo`: load network and NCCT, then serve the explorer."""

from pathlib import Path
from types import ModuleType

from app.pilo.errors import ExplorerError
from app.ports import require_free


def prepare(checkpoint: Path, source: Path, port: int) -> str:
    """Load everything, so that faults are told before a server runs.

    Returns:
        What is explored, and where.

    Raises:
        ExplorerError: If the checkpoint or the NCCT cannot be used.
        StudyError: If the port cannot be had.
    """
    require_free(port)
    explorer = _serving().loaded_explorer(checkpoint.resolve(), source.resolve())
    return (
        f"{explorer.origin}; {explorer.n_slices} slices\n"
        "Exploratory, outside the blinded study, research use only: "
        f"http://127.0.0.1:{port}"
    )


def run(checkpoint: Path, source: Path, port: int) -> None:
    """Serve the explorer until stopped; what `prepare` loaded is not loaded again."""
    _serving().serve(checkpoint.resolve(), source.resolve(), port)


def _serving() -> ModuleType:
    """Import the server, which needs the network's libraries beside the app's.

    Raises:
        ExplorerError: If they are not installed.
    """
    try:
        from app.pilo import serving
    except ModuleNotFoundError as error:
        if error.name not in {"torch", "safetensors", "nibabel"}:
            raise
        msg = f"{error.name} is not installed; install magic-ctp[app,model]"
        raise ExplorerError(msg) from error
    return serving
