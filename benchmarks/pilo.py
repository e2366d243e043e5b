"""The explorer: new maps at another ratio, from kept features and by a whole pass.

python -m benchmarks.pilo

Both ways give the same maps, which is checked; they run in turn within this process,
and the quickest repetition of each counts. The last column adds what the page needs
beside maps: colours, PNG, values.
"""

import tempfile
from itertools import cycle
from pathlib import Path

import numpy as np
import torch

from app.pilo.explorer import Explorer
from app.pilo.panels import draw_panels, pack
from app.pilo.view import RATIOS, View
from benchmarks.model import best_of, save_random
from magic_model.data.slices import SliceStack
from magic_model.inference.model import TorchBackend

RECIPES = ("tiny", "compact")
THREADS = 1  # the last layer is too short to share among threads
ROUNDS, REPETITIONS = 5, 5


def drawn_stack(size: int) -> SliceStack:
    """Give a slice of noise inside a round brain."""
    rng = np.random.default_rng(0)
    ncct = rng.uniform(0, 80, (1, 3, size, size)).astype(np.float32)
    row, column = np.indices((size, size)) - size / 2
    mask = (np.hypot(row, column) < 0.4 * size)[np.newaxis]
    return SliceStack("noise", ncct, {}, mask, np.eye(4), np.array([0]))


def measure(name: str, folder: Path) -> tuple[float, float, float]:
    """Time one recipe.

    Returns:
        Seconds of a whole pass, of a ratio from kept features, and of that with all
        that the browser is sent.
    """
    path = folder / f"{name}.safetensors"
    save_random(name, path)
    backend = TorchBackend(path, torch.device("cpu"))
    stack = drawn_stack(backend.size)
    explorer = Explorer(backend, stack, name)
    ncct = np.clip(stack.ncct / 40 - 1, -1, 1)
    cached = backend.features(ncct)
    if not np.array_equal(cached.predict(2.0), backend.predict(ncct, 2.0)):
        msg = f"{name}: both ways must give the same maps"
        raise RuntimeError(msg)
    ratios = cycle(RATIOS)

    def page() -> bytes:
        view = View(index=0, ratios=dict.fromkeys(explorer.maps, next(ratios)))
        return pack(draw_panels(explorer, view), [name])

    ways = (
        lambda: backend.predict(ncct, next(ratios)),
        lambda: cached.predict(next(ratios)),
        page,
    )
    seconds = [[best_of(way, REPETITIONS) for way in ways] for _ in range(ROUNDS)]
    whole, kept, sent = np.min(seconds, axis=0)
    return float(whole), float(kept), float(sent)


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(THREADS)
    print(f"a slice of 256 x 256 pixels, four maps, {THREADS} thread; whole pass = 1")
    print(f"{'recipe':10} {'kept features':>20} {'and all the page needs':>24}")
    with tempfile.TemporaryDirectory() as folder:
        for name in RECIPES:
            whole, kept, sent = measure(name, Path(folder))
            faster, shown = f"{whole / kept:.1f} times", f"{whole / sent:.1f} times"
            print(
                f"{name:10} {faster:>20} {shown:>24}   "
                f"({1000 * whole:.0f}, {1000 * kept:.1f} and {1000 * sent:.0f} ms)"
            )


if __name__ == "__main__":
    main()
