"""A study of 2 x 20 montages: read, encoded, written, audited, sealed; and opened.

python -m benchmarks.study_build
"""

import csv
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from reader_study.building.builder import BuildRequest, build_study
from reader_study.building.study import open_study
from reader_study.formats.protocol import template

N_CASES = 20
N_SLICES = 10
N_COLUMNS = 5
SIZE = 256
JOBS = 2


def montage(rng: np.random.Generator) -> np.ndarray:
    """Draw 10 rows of a grey and four coloured heads with noise, at 256 each."""
    height, width = np.mgrid[:SIZE, :SIZE] - SIZE // 2
    head = (width / 85) ** 2 + (height / 105) ** 2 < 1
    ramp = np.linspace(0, 1, SIZE)
    colours = np.clip(2 - np.abs(4 * ramp[:, None] - [3, 2, 1]) - 0.5, 0, 1) * 255
    rows = []
    for _ in range(N_SLICES):
        panels = []
        for column in range(N_COLUMNS):
            field = gaussian_filter(rng.normal(size=head.shape), 6 if column else 1.5)
            field += rng.normal(scale=0.02 * field.std(), size=head.shape)
            level = np.interp(field, [field.min(), field.max()], [1, 255]).astype(int)
            shown = colours[level] if column else np.repeat(level[..., None], 3, axis=2)
            panels.append((shown * head[..., None]).astype(np.uint8))
        rows.append(np.concatenate(panels, axis=1))
    return np.concatenate(rows)


def write_cases(folder: Path) -> None:
    """Write 2 x 20 montages, cases.csv and a protocol in the paper's design."""
    rng = np.random.default_rng(0)
    severities = ["none"] * 7 + ["mild_moderate"] * 6 + ["severe"] * 7
    with (folder / "cases.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "severity", "reference_image", "test_image"])
        for number, severity in enumerate(severities):
            names = [f"{method}-{number}.png" for method in ("reference", "test")]
            for name in names:
                Image.fromarray(montage(rng)).save(folder / name)
            writer.writerow([f"case-{number}", severity, *names])
    paper = template().replace('"balanced"', '"paper"', 1)
    paper = paper.replace('"per_reader"', '"shared"', 1)
    (folder / "study.toml").write_text(paper.replace("max_run = 3", "max_run = 0"))


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write_cases(root)
        request = BuildRequest(
            protocol=root / "study.toml",
            cases=root / "cases.csv",
            out=root / "STUDY",
            key=root / "KEY",
            passphrases=("a passphrase",),
            jobs=JOBS,
        )
        start, cpu = time.perf_counter(), time.process_time()
        built = build_study(request)
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
        start = time.perf_counter()
        study = open_study(request.out)
        opened = time.perf_counter() - start
        sizes = [p.length for p in study.manifest.presentations]
        print(
            f"pictures              {built.audit.n_files:8d} of {sizes[0] / 1e6:.1f} MB"
        )
        print(f"build with audit      {wall:8.2f} s with {JOBS} jobs ({cpu:.2f} s CPU)")
        print(f"open, all hashes      {opened:8.2f} s")


if __name__ == "__main__":
    main()
