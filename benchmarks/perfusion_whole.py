"""Memory and time of a whole brain over time, computed slab by slab from disk.

    python -m benchmarks.perfusion_whole
    python -m benchmarks.perfusion_whole --slices 40 --moved 3

A head of 0.7 x 0.7 x 1 mm voxels, 320 x 320 x 160 of them in 20 frames 2.5 s apart: a
skull, tissue whose flow changes every 16 voxels, an artery and a vein through all
slices, noise of 4 HU. With `--moved N` N frames lie 2 mm off along all three axes. It
is written as NIfTI to a temporary folder; `magic-model perfusion` computes its maps in
a process of its own, whose most memory, time and processor time are printed.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from benchmarks.perfusion_objects import K, artery, passage

SHAPE = (320, 320, 160)
SPACING = (0.7, 0.7, 1.0)
FRAMES, STEP_S = 20, 2.5
NOISE_HU = 4.0
_BLOCK = 16
_OFF_MM = 2.0


def write_head(path: Path, slices: int, frames: int, moved: int) -> None:
    """Write the series, frame by frame."""
    shape = (*SHAPE[:2], slices)
    times = STEP_S * np.arange(frames)
    rng = np.random.default_rng(1)
    rest, brain = _rest(shape)
    flow = rng.uniform(15, 65, [n // _BLOCK + 1 for n in shape]).astype("f4")
    for axis in range(3):
        flow = flow.repeat(_BLOCK, axis)
    flow = flow[: shape[0], : shape[1], : shape[2]] * brain
    tissue, blood = K * passage(times, 4.5, 1.0), artery(times)
    late = passage(times, 3.0, 4.0) / 3
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape((*shape, frames))
    header.set_zooms((*SPACING, STEP_S))
    header.set_xyzt_units("mm", "sec")
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    header.set_sform(np.diag([*SPACING, 1.0]), 1)
    with path.open("wb") as file:
        file.write(header.binaryblock + bytes(4))
        for t in range(frames):
            hu = rest + flow * np.float32(tissue[t])
            hu[158:162, 90:94] = 45 + blood[t]
            hu[158:164, 262:268] = 45 + late[t]
            if t >= frames - moved:
                hu = ndimage.shift(hu, [_OFF_MM / mm for mm in SPACING], order=1)
            hu += NOISE_HU * rng.standard_normal(shape, np.float32)
            file.write(np.rint(hu).astype("<i2").tobytes(order="F"))


def _rest(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return a head without contrast, and its brain."""
    middle = (np.array(shape) - 1) / 2
    x, y, z = (
        (axis - m) * mm / radius
        for axis, m, mm, radius in zip(
            np.ogrid[tuple(slice(n) for n in shape)],
            middle,
            SPACING,
            (85.0, 100.0, 120.0),
            strict=True,
        )
    )
    r = np.sqrt(x**2 + y**2 + z**2).astype("f4")
    skull = 1000 * np.exp(-(((r - 0.93) / 0.03) ** 2))
    hu = np.where(r < 1, 35 + skull, -1000).astype("f4")
    return hu, r < 0.86


def main() -> None:
    """Print what a computation takes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slices", type=int, default=SHAPE[2])
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--moved", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ctp.nii"
        write_head(path, chosen.slices, chosen.frames, chosen.moved)
        size = path.stat().st_size / (1 << 20)
        command = [sys.executable, "-m", "magic_model.cli", "perfusion", str(path)]
        started = time.perf_counter()
        subprocess.run([*command, "--out", f"{folder}/maps"], check=True)
        seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{SHAPE[0]} x {SHAPE[1]} x {chosen.slices} voxels, {chosen.frames} frames "
        f"({size:.0f} MB as whole HU), {chosen.moved} moved: {seconds:.0f} s, "
        f"{used.ru_utime + used.ru_stime:.0f} s of processor time, at most "
        f"{used.ru_maxrss / 1024:.0f} MB"
    )


if __name__ == "__main__":
    main()
