"""The networks: whole volumes, inference, training steps, memory.

python -m benchmarks.model [--quick]

Every ratio compares ways within this run; each runs in processes of its own, the ways
in turn, and the quickest repetition counts. `--quick` leaves out the network of full
size. Times on a GPU: `benchmarks.gpu`.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.training_steps import paper_step
from magic_model.checkpoint import CheckpointHeader, save_checkpoint
from magic_model.data.volume import Kind, Volume
from magic_model.inference.model import TorchBackend
from magic_model.inference.onnx import OnnxBackend, export_onnx
from magic_model.inference.opened import as_volumes, generate_slices
from magic_model.inference.prepare import prepare_ncct
from magic_model.networks import build_generator
from magic_model.recipe import Recipe
from magic_model.recipes.files import load_recipe

PAPER_VOLUME_S = 7.43  # 161 slices on a GPU, paper 3.4
PAPER_SLICES = 161
PAPER_GFLOP = 37.89  # per slice of 256 x 256, torch.utils.flop_counter
THREADS = 2
ROUNDS = 3

Work = Callable[[], object]
Measure = Callable[[Path], dict[str, float]]


def best_of(work: Work, repetitions: int, device: str = "cpu") -> float:
    """Seconds of the quickest repetition, after one that is not counted."""
    seconds = []
    for _ in range(1 + repetitions):
        if device == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def save_random(name: str, path: Path) -> Recipe:
    """Save a recipe's generator with drawn weights and statistics."""
    recipe = load_recipe(name)
    torch.manual_seed(0)
    generator = build_generator(recipe)
    for module in generator.modules():
        if isinstance(module, torch.nn.BatchNorm2d) and module.running_mean is not None:
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
    header = CheckpointHeader(
        recipe=recipe, ranges=recipe.ranges, data="random", seed=0, epoch=1
    )
    state = generator.state_dict().items()
    save_checkpoint(path, header, {f"generator.{k}": v for k, v in state})
    return recipe


# What one process measures; each prints one line of JSON.


def plain_slice(folder: Path) -> dict[str, float]:
    """The paper's network as built: eager, slice by slice, nothing folded."""
    from magic_model.checkpoint import load_generator

    generator, _ = load_generator(folder / "paper.safetensors")
    ncct = torch.from_numpy(np.load(folder / "slices.npy")[:1])
    with torch.inference_mode():
        seconds = best_of(lambda: generator(ncct), 8)
        value = float(generator(ncct).double().sum())
    return {"seconds": seconds, "value": value, "gib": peak_gib()}


def streamlined_slice(folder: Path) -> dict[str, float]:
    """The same by `TorchBackend`."""
    backend = TorchBackend(folder / "paper.safetensors", torch.device("cpu"))
    ncct = np.load(folder / "slices.npy")[:1]
    seconds = best_of(lambda: backend.predict(ncct), 8)
    value = float(backend.predict(ncct).astype(np.float64).sum())
    return {"seconds": seconds, "value": value, "gib": peak_gib()}


def onnx_slice(folder: Path) -> dict[str, float]:
    """The same by ONNX Runtime."""
    backend = OnnxBackend(folder / "paper.onnx", THREADS)
    ncct = np.load(folder / "slices.npy")[:1]
    seconds = best_of(lambda: backend.predict(ncct), 8)
    value = float(backend.predict(ncct).astype(np.float64).sum())
    return {"seconds": seconds, "value": value, "gib": peak_gib()}


def gemm(folder: Path) -> dict[str, float]:
    """The peak of matrix multiplication by ONNX Runtime, in GFLOP/s.

    PyTorch's own, by MKL, takes half as many on processors that are not Intel's.
    """
    import onnx
    import onnxruntime

    a = np.random.default_rng(0).random((4096, 4096), np.float32)
    one, two = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, a.shape)
        for name in ("a", "aa")
    )
    node = onnx.helper.make_node("MatMul", ["a", "a"], ["aa"])
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], "square", [one], [two]),
        opset_imports=[onnx.helper.make_opsetid("", 17)],
        ir_version=9,
    )
    onnx.save(model, folder / "square.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(folder / "square.onnx", options)
    seconds = best_of(lambda: session.run(["aa"], {"a": a}), 3)
    return {"seconds": seconds, "gflops": 2 * len(a) ** 3 / 1e9 / seconds}


def volume(folder: Path) -> dict[str, float]:
    """A whole volume by `compact`: brain found, slices cut, maps in units."""
    with np.load(folder / "head.npz") as arrays:
        head = Volume(arrays["array"], arrays["affine"], Kind.NCCT)
    backend = OnnxBackend(folder / "compact.onnx", THREADS)
    start = time.perf_counter()
    stack = prepare_ncct("head", head, size=backend.size)
    prepared = time.perf_counter()
    maps = as_volumes(stack, generate_slices(stack, backend))
    done = time.perf_counter()
    return {
        "slices": len(stack.mask),
        "prepare": prepared - start,
        "generate": done - prepared,
        "maps": len(maps),
        "gib": peak_gib(),
    }


def training_step(_: Path) -> dict[str, float]:
    """One step of the paper's recipe at batch 1."""
    return _step(two_passes=False)


def two_pass_step(_: Path) -> dict[str, float]:
    """The same with two passes of the generator and a graph kept in between."""
    return _step(two_passes=True)


def _step(*, two_passes: bool) -> dict[str, float]:
    work = paper_step(two_passes=two_passes)
    with FlopCounterMode(display=False) as counter:
        work()
    flops = counter.get_total_flops()
    return {"seconds": best_of(work, 3), "gib": peak_gib(), "gflop": flops / 1e9}


def peak_gib() -> float:
    """Peak memory of this process in GiB."""
    status = Path("/proc/self/status")
    if status.exists():  # elsewhere the figure counts what the parent held at the start
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


MEASURES = (
    plain_slice, streamlined_slice, onnx_slice, gemm, volume, training_step,
    two_pass_step,
)  # fmt: skip


def in_turn(
    folder: Path, *measures: Measure, rounds: int = ROUNDS
) -> list[dict[str, float]]:
    """Run each measure in a fresh process, in turn; keep the quickest of each."""
    kept: list[dict[str, float]] = [{} for _ in measures]
    for _ in range(rounds):
        for index, measure in enumerate(measures):
            command = [sys.executable, "-m", "benchmarks.model", "--one"]
            command += [measure.__name__, "--folder", str(folder)]
            text = subprocess.run(command, check=True, capture_output=True).stdout
            found = json.loads(text.splitlines()[-1])
            key = "generate" if "generate" in found else "seconds"
            if not kept[index] or found.get(key, 0) < kept[index].get(key, 0):
                kept[index] = found
    return kept


def prepare(folder: Path, *, full_size: bool) -> None:
    """Make a head of 161 slices, slices of it, and checkpoints with drawn weights."""
    from magic_model.phantom.generate import make_cohort
    from magic_model.phantom.patient import Contents

    cohort = make_cohort(folder / "cohort", 1, 5, contents=Contents("full", exact=True))
    head = cohort.load(cohort.patients[0], Kind.NCCT)
    n = head.shape[2]
    array = np.pad(head.array, ((0, 0), (0, 0), (0, max(0, PAPER_SLICES - n))), "edge")
    np.savez(folder / "head.npz", array=array, affine=head.affine)
    ncct = np.random.default_rng(0).uniform(-1, 1, (4, 3, 256, 256))
    np.save(folder / "slices.npy", ncct.astype(np.float32))
    for name in ("compact", "paper") if full_size else ("compact",):
        save_random(name, folder / f"{name}.safetensors")
        export_onnx(folder / f"{name}.safetensors", folder / f"{name}.onnx")


def report(folder: Path, *, full_size: bool) -> None:
    """Measure and print."""
    (found,) = in_turn(folder, volume)
    seconds = found["prepare"] + found["generate"]
    print(
        f"compact, {found['slices']:.0f} slices with brain of {PAPER_SLICES}, ONNX, "
        f"{THREADS} threads: {seconds:.2f} s ({found['prepare']:.2f} to prepare); the "
        f"paper's GPU: {PAPER_VOLUME_S} s; peak {found['gib']:.2f} GiB"
    )
    if not full_size:
        return
    plain, lean, exported, peak = in_turn(
        folder, plain_slice, streamlined_slice, onnx_slice, gemm
    )
    print("paper's network, slice by slice")
    ways = {
        "plain, PyTorch": plain,
        "streamlined, PyTorch": lean,
        "exported, ONNX": exported,
    }
    for words, way in ways.items():
        ratio = plain["seconds"] / way["seconds"]
        share = PAPER_GFLOP / way["seconds"] / peak["gflops"]
        print(
            f"  {words:22} times as fast  {ratio:5.2f}   {way['gib']:.2f} GiB, "
            f"{share:.0%} of the peak of matrix multiplication, sums differ by "
            f"{abs(way['value'] - plain['value']) / (4 * 256**2):.1e} per pixel"
        )
    one, two = in_turn(folder, training_step, two_pass_step, rounds=2)
    print(
        f"training step, batch 1, against two passes and kept graphs: "
        f"{two['seconds'] / one['seconds']:.2f} times as fast; peak "
        f"{one['gib']:.2f} against {two['gib']:.2f} GiB; {one['gflop']:.0f} against "
        f"{two['gflop']:.0f} GFLOP, a ratio of {two['gflop'] / one['gflop']:.2f}"
    )


def main() -> None:
    """Measure everything, or one way in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--one", choices=[measure.__name__ for measure in MEASURES])
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(THREADS)
    if chosen.one:
        measure = next(m for m in MEASURES if m.__name__ == chosen.one)
        print(json.dumps(measure(chosen.folder)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        full_size = not chosen.quick
        prepare(folder, full_size=full_size)
        report(folder, full_size=full_size)


if __name__ == "__main__":
    main()
