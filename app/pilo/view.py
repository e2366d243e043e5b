"""The settings of the explorer: slice, ratios, window, limits, colours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from magic_model.maps import MAP_SPECS, PerfusionMap

TRAINED = 1.0
"""The ratio of the output as trained."""

Ratios = Mapping[PerfusionMap, float]
"""Perfusion information ratio of each map; 1 where it is not named."""

_STEPS, _DOUBLED = 24, 8

RATIOS = tuple(2 ** (step / _DOUBLED) for step in range(-_STEPS, _STEPS + 1))
"""Ratios to choose from, 1/8 to 8, eight steps for each doubling.

Evenly spaced by their logarithm: r and 1/r trade the factors of perfusion and anatomy,
so that the ratio as trained stands in the middle.
"""

WINDOWS: dict[str, tuple[float, float]] = {
    "Brain 40/80": (40.0, 80.0),
    "Stroke 40/40": (40.0, 40.0),
}
"""Centre and width in HU of the usual NCCT windows."""

LARGEST_LIMIT = 2.0
"""Upper end of what a map may show, as a multiple of its range."""


class Colours(StrEnum):
    """Colour scales of maps."""

    PERFUSION = "Colour"
    GREY = "Grey"


@dataclass(frozen=True, kw_only=True)
class View:
    """One state of the page."""

    index: int
    """Slice, 0 is the lowest."""

    ratios: Ratios = field(default_factory=dict)
    """Perfusion information ratio of the maps."""

    centre: float = 40.0
    """Of the NCCT window, in HU."""

    width: float = 80.0
    """Of the NCCT window, in HU."""

    limits: Mapping[PerfusionMap, float] = field(default_factory=dict)
    """Value at the upper end of a map's colours; that of its range if not named."""

    colours: Colours = Colours.PERFUSION
    """Colour scale of the maps."""

    @property
    def window(self) -> tuple[float, float]:
        """CT numbers that become black and white, in HU."""
        return self.centre - self.width / 2, self.centre + self.width / 2

    def limit(self, name: PerfusionMap) -> float:
        """Return the value at the upper end of a map's colours."""
        return self.limits.get(name, MAP_SPECS[name].value_range[1])


def steps_of_ratios(ratios: Ratios, names: Sequence[PerfusionMap]) -> dict[str, int]:
    """Return the place of each map's slider, 0 for the ratio as trained.

    Examples:
        >>> steps_of_ratios({PerfusionMap.CBF: 2.0}, [PerfusionMap.CBF])
        {'cbf': 8}
    """
    return {
        name.value: RATIOS.index(ratios.get(name, TRAINED)) - _STEPS for name in names
    }


def ratios_of_steps(
    steps: object, names: Sequence[PerfusionMap]
) -> dict[PerfusionMap, float] | None:
    """Return the ratios of sliders, None if they are not the places of these maps."""
    if not isinstance(steps, Mapping) or set(steps) != {name.value for name in names}:
        return None
    places = [steps[name.value] for name in names]
    if not all(type(step) is int and -_STEPS <= step <= _STEPS for step in places):
        return None
    return {n: RATIOS[step + _STEPS] for n, step in zip(names, places, strict=True)}


def window_name(centre: float, width: float) -> str | None:
    """Return the name of a window, None if it has none.

    Examples:
        >>> window_name(40, 80)
        'Brain 40/80'
    """
    for name, known in WINDOWS.items():
        if known == (centre, width):
            return name
    return None


def limit_step(name: PerfusionMap) -> float:
    """Return the least upper limit of a map, by steps of which it changes.

    Examples:
        >>> [limit_step(PerfusionMap(name)) for name in ("cbf", "cbv", "mtt")]
        [5.0, 0.5, 0.5]
    """
    high = MAP_SPECS[name].value_range[1]
    return next(step for step in (0.5, 1.0, 5.0) if high / step <= 25)
