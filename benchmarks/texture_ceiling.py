"""What any texture above the guard can reach: the measured maps' own detail.

python -m benchmarks.texture_ceiling --cohort COHORT --generated FOLDER

FOLDER holds maps of `generate --no-texture`. Above the low band of each map, which
belongs to the network, the measured map's own detail is put: no texture can be more
like it. What a forest still tells apart then lies in the low band. Prints the AUC of
the forest of `evaluate --realism` for the maps as they are and for those, by map and
jointly, with the range of 95 %.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from magic_model.data.grid import BoolArray
from magic_model.evaluation import machine
from magic_model.evaluation.realism import stack_shares
from magic_model.evaluation.result import select_folders
from magic_model.evaluation.selection import load_pairs
from magic_model.texture.bands import fill, high_band

MEASURED, PLAIN, BEST = "measured", "as generated", "with measured detail"


def with_detail(
    generated: NDArray[np.float64], measured: NDArray[np.float64], inside: BoolArray
) -> NDArray[np.float64]:
    """Put the measured detail of a slice onto the low band of a generated one."""
    whole = fill(generated, inside)
    found = whole - high_band(whole, 1) + high_band(fill(measured, inside), 1)
    return np.where(inside, found.clip(0, 1), 0)


def main() -> None:
    """Print a row for each map."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohort", type=Path, required=True)
    parser.add_argument("--generated", type=Path, required=True)
    chosen = parser.parse_args()
    selection = select_folders(chosen.cohort, [chosen.generated], ["one"])
    maps = tuple(selection.maps)
    features: dict[str, list[NDArray[np.float64]]] = {}
    for pair in load_pairs(selection):
        mask = pair.reference.mask
        measured, plain = (
            stack_shares(images, maps) * mask[:, None]
            for images in (pair.reference.maps, pair.generated["one"])
        )
        best = np.zeros_like(plain)
        for number, inside in enumerate(mask):
            for channel in range(len(maps) if inside.any() else 0):
                where = number, channel
                best[where] = with_detail(plain[where], measured[where], inside)
        for kind, images in ((MEASURED, measured), (PLAIN, plain), (BEST, best)):
            patches = machine.cut_patches(images, mask)
            features.setdefault(kind, []).append(machine.patch_features(patches))
    width = features[MEASURED][0].shape[1] // len(maps)
    columns = {
        str(name): slice(index * width, (index + 1) * width)
        for index, name in enumerate(maps)
    } | {"all maps": slice(None)}
    print(f"{len(features[MEASURED])} patients; AUC of the forest (95 %)")
    print(f"{'map':10}{PLAIN:>24}{BEST:>24}")
    for name, part in columns.items():
        one = [rows[:, part] for rows in features[MEASURED]]
        cells = []
        for kind in (PLAIN, BEST):
            told = machine.turing_test(one, [rows[:, part] for rows in features[kind]])
            low, high = told.interval.low, told.interval.high
            cells.append(f"{told.auc:.3f} ({low:.3f} to {high:.3f})")
        print(f"{name:10}{cells[0]:>24}{cells[1]:>24}")


if __name__ == "__main__":
    main()
