"""metrics.jsonl: one line per step and per epoch, and the same for TensorBoard."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

FILE = "metrics.jsonl"


class Journal:
    """Writes what a run measures.

    Args:
        folder: Of the run.
        epoch: Epochs that are done.
        step: Steps done in the next one; lines of later steps, which a killed run left
            behind, are dropped.
        tensorboard: Whether TensorBoard's files are written too.
    """

    def __init__(
        self, folder: Path, epoch: int, step: int, *, tensorboard: bool
    ) -> None:
        path = folder / FILE
        kept = [
            line
            for line in _lines(path)
            if (line["epoch"], line.get("step", 0)) <= _before(line, epoch, step)
        ]
        staged = path.with_name(f".{FILE}")
        staged.write_text("".join(f"{json.dumps(x)}\n" for x in kept), encoding="utf-8")
        staged.replace(path)
        self._file = path.open("a", encoding="utf-8")
        self._board = _board(folder) if tensorboard else None

    def write(self, line: dict[str, Any], at: int) -> None:
        """Write a line.

        Args:
            line: With `epoch`, and `step` if it is about one.
            at: Steps done since the start of the run.
        """
        self._file.write(f"{json.dumps(line)}\n")
        self._file.flush()
        if self._board is not None:
            for name, value in line.items():
                if isinstance(value, float):
                    self._board.add_scalar(name, value, at)

    def close(self) -> None:
        """Finish the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def _before(line: dict[str, Any], epoch: int, step: int) -> tuple[int, int]:
    """Last epoch and step of a line of this kind that a checkpoint covers.

    Epochs and steps count from 1 in lines.
    """
    if "step" not in line:
        return epoch, 0
    return (epoch + 1, step) if step else (epoch, line["step"])


def _lines(path: Path) -> list[dict[str, Any]]:
    lines = []
    if path.exists():
        for text in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):  # the last line of a killed run may be cut
                lines.append(json.loads(text))
    return lines


def _board(folder: Path) -> Any:  # noqa: ANN401 - an optional package's class
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(folder / "tensorboard")
