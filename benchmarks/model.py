"""The networks: whole volumes, inference, training steps, memory.

python -m benchmarks.model [--quick] [--threads 1] [--rounds N]

Every ratio compares ways within this run; each runs in processes of its own, the ways
in turn, and the quickest repetition counts. `--quick` leaves out the network of full
size. With one thread the time of the processor counts in place of the clock: for a
machine on which others compute. Times on a GPU: `benchmarks.gpu`.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.training_steps import paper_step
from magic_model.checkpoint import CheckpointHeader, load_generator, save_checkpoint
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.distributed import cpu_has_bfloat16
from magic_model.inference.model import TorchBackend
from magic_model.inference.onnx import OnnxBackend, export_onnx
from magic_model.inference.opened import Backend, as_volumes, generate_slices
from magic_model.inference.prepare import prepare_ncct
from magic_model.networks import build_generator
from magic_model.recipe import Recipe
from magic_model.recipes.files import load_recipe

PAPER_VOLUME_S = 7.43  # 161 slices on a GPU, paper 3.4
PAPER_SLICES = 161
PAPER_GFLOP = 37.89  # per slice of 256 x 256, torch.utils.flop_counter

Work = Callable[[], object]
Measure = Callable[[Path], dict[str, float]]


def clock(device: str = "cpu") -> float:
    """Seconds of the clock; those of the processor where there is one thread."""
    alone = device == "cpu" and torch.get_num_threads() == 1
    return time.process_time() if alone else time.perf_counter()


def best_of(work: Work, repetitions: int, device: str = "cpu") -> float:
    """Seconds of the quickest repetition, after one that is not counted."""
    seconds = []
    for _ in range(1 + repetitions):
        if device == "cuda":
            torch.cuda.synchronize()
        start = clock(device)
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(clock(device) - start)
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
    return _as_built(folder, "plain_slice", torch.contiguous_format)


def last_slice(folder: Path) -> dict[str, float]:
    """The same with channels last in memory."""
    return _as_built(folder, "last_slice", torch.channels_last)


def streamlined_slice(folder: Path) -> dict[str, float]:
    """The same by `TorchBackend`."""
    backend = TorchBackend(folder / "paper.safetensors")
    return _slices(folder, "streamlined_slice", backend.predict, 1)


def half_slice(folder: Path) -> dict[str, float]:
    """The same in bfloat16."""
    backend = TorchBackend(folder / "paper.safetensors", bfloat16=True)
    return _slices(folder, "half_slice", backend.predict, 1)


def onnx_slice(folder: Path) -> dict[str, float]:
    """The same by ONNX Runtime."""
    backend = OnnxBackend(folder / "paper.onnx", torch.get_num_threads())
    return _slices(folder, "onnx_slice", backend.predict, 1)


def compact_slices(folder: Path) -> dict[str, float]:
    """`compact`, four slices at once, by `TorchBackend`."""
    backend = TorchBackend(folder / "compact.safetensors")
    return _slices(folder, "compact_slices", backend.predict, 4)


def compact_half(folder: Path) -> dict[str, float]:
    """The same in bfloat16."""
    backend = TorchBackend(folder / "compact.safetensors", bfloat16=True)
    return _slices(folder, "compact_half", backend.predict, 4)


def compact_onnx(folder: Path) -> dict[str, float]:
    """The same by ONNX Runtime."""
    backend = OnnxBackend(folder / "compact.onnx", torch.get_num_threads())
    return _slices(folder, "compact_onnx", backend.predict, 4)


def _as_built(folder: Path, way: str, layout: torch.memory_format) -> dict[str, float]:
    generator, _ = load_generator(folder / "paper.safetensors")
    generator.to(memory_format=layout)  # type: ignore[call-overload]

    def predict(ncct: FloatArray) -> FloatArray:
        with torch.inference_mode():
            made = generator(torch.from_numpy(ncct).contiguous(memory_format=layout))
        return np.asarray(made.numpy(), np.float32)

    return _slices(folder, way, predict, 1)


def _slices(
    folder: Path, way: str, predict: Callable[[FloatArray], FloatArray], n: int
) -> dict[str, float]:
    """Seconds a slice; the maps are left in the folder."""
    ncct = np.load(folder / "slices.npy")[:n]
    seconds = best_of(lambda: predict(ncct), 4) / n
    np.save(folder / f"{way}.npy", predict(ncct))
    return {"seconds": seconds, "gib": peak_gib()}


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
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(folder / "square.onnx", options)
    seconds = best_of(lambda: session.run(["aa"], {"a": a}), 3)
    return {"seconds": seconds, "gflops": 2 * len(a) ** 3 / 1e9 / seconds}


def volume(folder: Path) -> dict[str, float]:
    """A whole volume by `compact`: brain found, slices cut, maps in units."""
    backend = OnnxBackend(folder / "compact.onnx", torch.get_num_threads())
    return _volume(folder, backend)


def half_volume(folder: Path) -> dict[str, float]:
    """The same by PyTorch in bfloat16."""
    backend = TorchBackend(folder / "compact.safetensors", bfloat16=True)
    return _volume(folder, backend)


def _volume(folder: Path, backend: Backend) -> dict[str, float]:
    with np.load(folder / "head.npz") as arrays:
        head = Volume(arrays["array"], arrays["affine"], Kind.NCCT)
    start = clock()
    stack = prepare_ncct("head", head, size=backend.size)
    prepared = clock()
    maps = as_volumes(stack, generate_slices(stack, backend))
    done = clock()
    return {
        "slices": len(stack.mask),
        "prepare": prepared - start,
        "generate": done - prepared,
        "maps": len(maps),
        "gib": peak_gib(),
    }


def training_step(_: Path) -> dict[str, float]:
    """One step of the paper's recipe at batch 1."""
    return _step(paper_step(two_passes=False))


def half_step(_: Path) -> dict[str, float]:
    """The same in bfloat16."""
    return _step(paper_step(two_passes=False, bfloat16=True))


def two_pass_step(_: Path) -> dict[str, float]:
    """The same with two passes of the generator and a graph kept in between."""
    return _step(paper_step(two_passes=True))


def _step(work: Work) -> dict[str, float]:
    with FlopCounterMode(display=False) as counter:
        work()
    flops = counter.get_total_flops()
    return {"seconds": best_of(work, 2), "gib": peak_gib(), "gflop": flops / 1e9}


def peak_gib() -> float:
    """Peak memory of this process in GiB."""
    status = Path("/proc/self/status")
    if status.exists():  # elsewhere the figure counts what the parent held at the start
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


MEASURES = (
    plain_slice, last_slice, streamlined_slice, half_slice, onnx_slice, gemm,
    compact_slices, compact_half, compact_onnx, volume, half_volume,
    training_step, half_step, two_pass_step,
)  # fmt: skip


@dataclass(frozen=True)
class Runner:
    """Runs measures in fresh processes, in turn.

    Attributes:
        folder: With what `prepare` made.
        threads: Of each process.
        rounds: How often each is run.
    """

    folder: Path
    threads: int
    rounds: int

    def __call__(self, *measures: Measure) -> list[dict[str, float]]:
        """Keep the quickest of each."""
        kept: list[dict[str, float]] = [{} for _ in measures]
        for _ in range(self.rounds):
            for index, measure in enumerate(measures):
                found = self._one(measure)
                key = "generate" if "generate" in found else "seconds"
                if not kept[index] or found.get(key, 0) < kept[index].get(key, 0):
                    kept[index] = found
        return kept

    def differ(self, way: Measure, other: Measure) -> float:
        """Mean absolute difference of the maps of two ways, in [-1, 1]."""
        one, two = (
            np.load(self.folder / f"{measure.__name__}.npy") for measure in (way, other)
        )
        return float(np.abs(one - two).mean())

    def _one(self, measure: Measure) -> dict[str, float]:
        command = [sys.executable, "-m", "benchmarks.model", "--one", measure.__name__]
        command += ["--folder", str(self.folder), "--threads", str(self.threads)]
        text = subprocess.run(command, check=True, capture_output=True).stdout
        found: dict[str, float] = json.loads(text.splitlines()[-1])
        return found


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


def report(run: Runner, *, full_size: bool) -> None:
    """Measure and print; what needs bfloat16 only where the processor has it."""
    half = cpu_has_bfloat16()
    kind = "processor" if run.threads == 1 else "clock"
    print(f"{run.threads} threads, seconds of the {kind}; bfloat16: ", end="")
    print("measured" if half else "left out, as this processor has none")
    print_volumes(run, {"ONNX": volume} | ({"bfloat16": half_volume} if half else {}))
    ways: dict[str, Measure] = {"float32, PyTorch": compact_slices}
    if half:
        ways["bfloat16, PyTorch"] = compact_half
    print("compact, four slices at once")
    print_slices(run, ways | {"exported, ONNX": compact_onnx})
    if not full_size:
        return
    ways = {
        "plain, PyTorch": plain_slice,
        "plain, channels last": last_slice,
        "streamlined, PyTorch": streamlined_slice,
    }
    if half:
        ways["streamlined, bfloat16"] = half_slice
    print("paper's network, slice by slice")
    (peak,) = run(gemm)
    print_slices(run, ways | {"exported, ONNX": onnx_slice}, peak["gflops"])
    print_steps(
        run, {"float32": training_step} | ({"bfloat16": half_step} if half else {})
    )


def print_volumes(run: Runner, ways: Mapping[str, Measure]) -> None:
    """Print whole heads."""
    for words, found in zip(ways, run(*ways.values()), strict=True):
        print(
            f"compact, {found['slices']:.0f} slices with brain of {PAPER_SLICES}, "
            f"{words}: {found['prepare'] + found['generate']:.2f} s "
            f"({found['prepare']:.2f} to prepare); the paper's GPU: {PAPER_VOLUME_S} "
            f"s; peak {found['gib']:.2f} GiB"
        )


def print_slices(run: Runner, ways: Mapping[str, Measure], peak: float = 0) -> None:
    """Print ways to compute slices beside the first of them."""
    found = run(*ways.values())
    first = next(iter(ways.values()))
    for (words, measure), way in zip(ways.items(), found, strict=True):
        share = PAPER_GFLOP / way["seconds"] / peak if peak else 0
        print(
            f"  {words:22} times as fast  {found[0]['seconds'] / way['seconds']:5.2f}  "
            f"{1000 * way['seconds']:7.1f} ms a slice, {way['gib']:.2f} GiB, "
            + (f"{share:.0%} of the peak of float32 multiplication, " if peak else "")
            + f"differs by {run.differ(measure, first):.1e} on average"
        )


def print_steps(run: Runner, ways: Mapping[str, Measure]) -> None:
    """Print training steps beside one with two passes."""
    two, *found = run(two_pass_step, *ways.values())
    print("training step, batch 1, against two passes and kept graphs")
    for words, one in zip(ways, found, strict=True):
        print(
            f"  {words:22} times as fast  {two['seconds'] / one['seconds']:5.2f}  "
            f"peak {one['gib']:.2f} against {two['gib']:.2f} GiB; {one['gflop']:.0f} "
            f"against {two['gflop']:.0f} GFLOP, a ratio of "
            f"{two['gflop'] / one['gflop']:.2f}; "
            f"{one['gflop'] / one['seconds']:.0f} against "
            f"{two['gflop'] / two['seconds']:.0f} GFLOP/s"
        )


def main() -> None:
    """Measure everything, or one way in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=[measure.__name__ for measure in MEASURES])
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    if chosen.one:
        measure = next(m for m in MEASURES if m.__name__ == chosen.one)
        print(json.dumps(measure(chosen.folder)))
        return
    with tempfile.TemporaryDirectory() as name:
        run = Runner(Path(name), chosen.threads, chosen.rounds)
        prepare(run.folder, full_size=not chosen.quick)
        report(run, full_size=not chosen.quick)


if __name__ == "__main__":
    main()
