"""Everything that is wrong with an input file, told at once."""

from collections.abc import Sequence

from analysis.errors import InputError

_SHOWN = 25


class ResponsesError(InputError):
    """An input file cannot be used.

    Attributes:
        faults: One sentence each, with its line where there is one.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__(self._message())

    def _message(self) -> str:
        if len(self.faults) == 1:
            return self.faults[0]
        shown = [f"  {fault}" for fault in self.faults[:_SHOWN]]
        if len(self.faults) > _SHOWN:
            shown.append(f"  and {len(self.faults) - _SHOWN} more")
        return "\n".join([f"{len(self.faults)} faults:", *shown])
