"""The networks of full size on a GPU: training steps, a head of slices, memory.

python -m benchmarks.gpu

Each way is also timed the plain way in this run: float32, the layout of memory as
PyTorch has it, and for a training step two passes of the generator.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.model import (
    PAPER_GFLOP,
    PAPER_SLICES,
    PAPER_VOLUME_S,
    best_of,
    save_random,
)
from benchmarks.training_steps import drawn_batch, plain_step
from magic_model.checkpoint import load_generator
from magic_model.distributed import World
from magic_model.inference.model import TorchBackend, optimize_for_inference
from magic_model.recipe import Recipe
from magic_model.recipes.files import load_recipe
from magic_model.training.adversaries import Adversaries
from magic_model.training.step import TrainStep

RECIPES = ("paper", "pix2pix", "unet", "magic", "compact")
BATCH = 8
AT_ONCE = 23  # 7 times are 161 slices
PAPER_SAMPLE_MS = 98  # 40 h for 29,358 x 50 samples on an A100, paper 2.3.4

GPU = torch.device("cuda")


def timed(work: Callable[[], object], repetitions: int = 10) -> tuple[float, float]:
    """Give the seconds of the quickest repetition, and the peak of memory in GiB."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    seconds = best_of(work, repetitions, "cuda")
    return seconds, torch.cuda.max_memory_allocated() / 2**30


def matrix_peak() -> float:
    """Give the peak of matrix multiplication in bfloat16, in GFLOP/s."""
    a = torch.randn(8192, 8192, device=GPU, dtype=torch.bfloat16)
    return 2 * 8192**3 / 1e9 / timed(lambda: a @ a)[0]


def print_steps(name: str, peak: float) -> None:
    """Time a training step of a recipe."""
    recipe = _at_batch(load_recipe(name))
    batch = drawn_batch(BATCH, recipe.data.size, GPU)
    nets = Adversaries.from_recipe(recipe, GPU, 0)
    stepper = TrainStep.distributed(nets, World(), GPU)
    seconds, gib = timed(lambda: stepper.train(batch))
    sample = 1000 * seconds / BATCH
    print(f"{name:10} step, batch {BATCH}: {sample:6.2f} ms a sample, {gib:.1f} GiB")
    if name != "paper":
        return
    # Of the generator: forward, and twice that backward.
    share = 3 * PAPER_GFLOP / (seconds / BATCH) / peak
    print(f"           the paper's: {PAPER_SAMPLE_MS / sample:.0f} times that")
    print(f"           the generator alone: {share:.0%} of the peak of matrices")
    plain_nets = Adversaries.from_recipe(recipe, GPU, 0)
    for network in (plain_nets.generator, plain_nets.discriminator):
        network.to(memory_format=torch.contiguous_format)  # type: ignore[union-attr, call-overload]
    plain, gib = timed(lambda: plain_step(plain_nets, batch), 5)
    print(f"           two passes, float32: {plain / seconds:.1f} times, {gib:.1f} GiB")


def print_slices(name: str, folder: Path) -> None:
    """Time the slices of a head, and the same rewritten as it is for a CPU."""
    checkpoint = folder / f"{name}.safetensors"
    pixels = save_random(name, checkpoint).data.size
    ncct = np.random.default_rng(0).uniform(-1, 1, (PAPER_SLICES, 3, pixels, pixels))
    slices = np.split(ncct.astype(np.float32), PAPER_SLICES // AT_ONCE)
    backend = TorchBackend(checkpoint, GPU)
    seconds, gib = timed(lambda: [backend.predict(part) for part in slices], 3)
    lean = optimize_for_inference(load_generator(checkpoint)[0], pixels).to(GPU)
    lean.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def rewritten() -> list[torch.Tensor]:
        with torch.inference_mode(), torch.autocast("cuda", dtype=torch.bfloat16):
            return [lean(torch.from_numpy(p).to(GPU)).float().cpu() for p in slices]

    longer = timed(rewritten, 3)[0] / seconds
    wrong = np.abs(backend.predict(slices[0]) - rewritten()[0].numpy())
    print(f"{name:10} {PAPER_SLICES} slices: {seconds:.3f} s, {gib:.1f} GiB")
    print(f"           the paper's: {PAPER_VOLUME_S / seconds:.0f} times that")
    print(f"           rewritten, bfloat16: {longer:.1f} times that; maps in [-1, 1]")
    print(f"           differ by {wrong.mean():.1e}, {wrong.max():.1e} at most")


def _at_batch(recipe: Recipe) -> Recipe:
    return replace(recipe, training=replace(recipe.training, batch_size=BATCH))


def main() -> None:
    """Measure and print, or say that there is no GPU."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    if not torch.cuda.is_available():
        print("no GPU here: nothing was measured")
        return
    peak = matrix_peak()
    print(
        f"{torch.cuda.get_device_name()}, torch {torch.__version__}; matrices of "
        f"bfloat16 {peak / 1000:.0f} TFLOP/s",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in RECIPES:
            print_steps(name, peak)
        for name in RECIPES:
            print_slices(name, Path(folder))


if __name__ == "__main__":
    main()
