"""From a series to its maps, step by step, with what was found on the way."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from magic_model.data.skull_strip import MorphologicalSkullStripper
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.perfusion import (
    bayes,
    deconvolution,
    denoising,
    parameters,
    vessels,
)
from magic_model.perfusion.deconvolution import Deconvolution
from magic_model.perfusion.denoising import Array, Mask
from magic_model.perfusion.motion import Motion, find_motion, put_back
from magic_model.perfusion.series import Series
from magic_model.perfusion.tissues import Tissues
from magic_model.perfusion.vessels import Vessel, Voxel

REVISION = 3
"""Raised whenever the same series gives other maps, so that old ones are remade."""

FIRST_LOOK = 2
"""Frames that are the baseline until the artery is known."""

_BLURRED_MM = 8.0  # of bone and air: as far as a spline carries them
_BLURRED = (
    2.0,
    0.1,
)  # times the noise, and of the highest value: what no tissue explains
_TISSUE_HU = (5.0, 90.0)
_LEAST_BRAIN = 100  # voxels
_IN_PLANE = ndimage.generate_binary_structure(2, 1)[..., None]  # slabs may be thin


@dataclass(frozen=True)
class Choices:
    """What a person may decide; what is None, the program does.

    Attributes:
        brain: Voxels to compute.
        aif: Voxel of the artery.
        vof: Voxel of the vein.
        method: Of deconvolution.
        found: Artery, vein, baseline, noise and more, where slices are part of a series
            in which they were found already.
        motion: Of the head, where frames were put back already.
    """

    brain: Mask | None = None
    aif: Voxel | None = None
    vof: Voxel | None = None
    method: Deconvolution = Deconvolution.BAYES
    found: "Found | None" = None
    motion: Motion | None = None


@dataclass(frozen=True, eq=False)
class Perfusion:
    """The maps of a series, and how they came about.

    Attributes:
        maps: On the grid of the series, 0 outside the brain, never NaN.
        series: What they were made from, frames put back in place.
        brain: Voxels that were computed.
        artery: Arterial input, corrected.
        vein: Venous output; None where none was found.
        vessels: Voxels of the brain that are large vessels: in the maps, but not in
            the statistics.
        blurred: Voxels of the brain that bone or air blurred as the head moved: they
            have what their neighbours have.
        tissue: Mean enhancement of the brain without large vessels in HU.
        baseline_frames: Frames before contrast arrives.
        noise_hu: Noise of a voxel and frame.
        gain: The share of it that the denoising left.
        method: Of deconvolution.
        strength: Its weight or threshold; NaN where each voxel has its own or there is
            none.
        motion: Where the head lay in each frame before it was put back.
        notes: Warnings, a sentence each.
    """

    maps: dict[PerfusionMap, Volume]
    series: Series
    brain: Mask
    artery: Vessel
    vein: Vessel | None
    vessels: Mask
    blurred: Mask
    tissue: Array
    baseline_frames: int
    noise_hu: float
    gain: float
    method: Deconvolution
    strength: float
    motion: Motion
    notes: tuple[str, ...]


def compute_perfusion(series: Series, choices: Choices | None = None) -> Perfusion:
    """Return the perfusion maps of a series.

    Motion, brain, artery and baseline, concentration, denoising, deconvolution, maps;
    each step says in its own docstring what it does.

    Args:
        series: HU over time.
        choices: What is not left to the program.

    Raises:
        DataError: If no maps can be made: no bolus, or one that is cut off.
    """
    choices = choices or Choices()
    series, motion = _steady(series, choices)
    choices = replace(choices, motion=motion)
    brain, notes = find_brain(series.mean(FIRST_LOOK), choices.brain)
    found = choices.found or find_vessels(series, brain, choices)
    vessels.require_passage(series.times, found.artery)
    blurred = _blurred(series, brain, found, motion)
    clean, values, strength = _values(series, brain, blurred, found, choices.method)
    maps = _on_grid(values, brain, series)
    large = vessels.large_vessels(maps[PerfusionMap.CBV].array, brain)
    tissue = clean.mean_of(~large[brain])
    return Perfusion(
        maps=maps,
        series=series,
        brain=brain,
        artery=found.artery,
        vein=found.vein,
        vessels=large,
        blurred=blurred,
        tissue=tissue,
        baseline_frames=found.frames,
        noise_hu=found.noise,
        gain=clean.gain,
        method=choices.method,
        strength=strength,
        motion=motion,
        notes=(*series.notes, *motion.notes(), *notes, *warnings_of(found, tissue)),
    )


def _steady(series: Series, choices: Choices) -> tuple[Series, Motion]:
    """Return a series without motion, and what that was."""
    if choices.motion is not None:
        return series, choices.motion
    motion = find_motion(series.array, series.spacing)
    if not motion.moved:
        return series, motion
    return replace(series, array=put_back(series.array, motion)), motion


def _blurred(series: Series, brain: Mask, found: "Found", motion: Motion) -> Mask:
    """Return the voxels near bone and air that motion left without a curve.

    No interpolation gives back what a voxel held that a border crossed. Within 8 mm of
    bone and air these are the voxels of which tissue explains too little: what is left
    is twice the noise and a tenth of the highest value, which in a vessel is more.
    """
    if not motion.moved:
        return np.zeros_like(brain)
    rest = series.array[..., : found.frames].mean(axis=-1)
    near = brain & vessels.beside_edges(rest, series.spacing, _BLURRED_MM)
    contrast = denoising.enhancement(series.array, found.frames)[near]
    basis = Tissues.behind(series.times, found.artery.curve).basis(found.frames)
    left, highest = denoising.unexplained(contrast, basis), contrast.max(axis=1)
    noise, share = _BLURRED
    near[near] = (left > noise * found.noise) & (left > share * highest)
    return near


def _values(
    series: Series,
    brain: Mask,
    blurred: Mask,
    found: "Found",
    method: Deconvolution,
) -> tuple[denoising.Denoised, dict[PerfusionMap, Array], float]:
    """Return the denoised curves, the maps' values, and the weight or threshold."""
    times, frames = series.times, found.frames
    tissues = Tissues.behind(times, found.artery.curve)
    bayesian = method == Deconvolution.BAYES
    basis = tissues.basis(frames) if bayesian else tissues.basis(frames, 16)
    seen = denoising.Seen.of(series.array, frames)
    unknown = blurred if blurred.any() else None
    clean = denoising.denoise(seen, brain, series.spacing, found.noise, basis, unknown)
    if bayesian:
        usual = found.delay
        usual = bayes.usual_delay(clean, tissues) if usual is None else usual
        guess = bayes.estimate(clean, tissues, usual, brain, series.spacing)
        return clean, parameters.parameters_of(guess), float("nan")
    left = deconvolution.Curves(basis, found.noise * clean.gain, frames)
    solver = deconvolution.prepare(method, times, found.artery.curve, left)
    return clean, parameters.parameters(clean, times, solver), solver.strength


def usual_delay(series: Series, brain: Mask, found: "Found") -> float:
    """Return the delay of a whole brain, to know it in parts of it."""
    tissues = Tissues.behind(series.times, found.artery.curve)
    seen = denoising.Seen.of(series.array, found.frames)
    basis = tissues.basis(found.frames)
    clean = denoising.denoise(seen, brain, series.spacing, found.noise, basis)
    return bayes.usual_delay(clean, tissues)


@dataclass(frozen=True, eq=False)
class Found:
    """What is found before maps are computed.

    Attributes:
        artery: Arterial input, corrected.
        vein: Venous output; None where none was found.
        frames: How many are the baseline.
        noise: Of a voxel and frame, in HU.
        delay: Of the whole brain, in seconds; None where it is yet to be found.
    """

    artery: Vessel
    vein: Vessel | None
    frames: int
    noise: float
    delay: float | None = None


def find_vessels(series: Series, brain: Mask, choices: Choices) -> Found:
    """Find artery, baseline and vein; the artery tells where the baseline ends."""
    times, array = series.times, series.array
    unusable = vessels.clipped(array)
    rest = series.mean(FIRST_LOOK).array
    where = vessels.around(brain, series.spacing)
    where &= (rest > vessels.REST_HU[0]) & (rest < vessels.REST_HU[1])
    if choices.motion is not None and choices.motion.moved:
        where &= ~vessels.beside_edges(rest, series.spacing)

    def artery_with(frames: int) -> tuple[Vessel, float]:
        contrast = denoising.enhancement(array, frames)
        sd = denoising.noise_of(array, brain, frames)
        if choices.aif is not None:
            return vessels.vessel_at(contrast, choices.aif, "--aif", sd, unusable), sd
        return vessels.find_artery(times, contrast, where, sd, unusable), sd

    frames = denoising.count_baseline(times, artery_with(FIRST_LOOK)[0].curve)
    artery, noise = artery_with(frames)
    contrast = denoising.enhancement(array, frames)
    if choices.vof is None:
        vein = vessels.find_vein(times, contrast, where, artery, unusable)
    else:
        vein = vessels.vessel_at(contrast, choices.vof, "--vof", noise, unusable)
    if vein is not None:
        artery = vessels.correct_artery(times, artery, vein)
    return Found(artery, vein, frames, noise)


def find_brain(head: Volume, given: Mask | None) -> tuple[Mask, tuple[str, ...]]:
    """Return the voxels to compute: those given, the brain, or else soft tissue."""
    if given is not None:
        return given, ()
    try:
        return np.asarray(MorphologicalSkullStripper()(head).array > 0.5), ()
    except DataError as error:
        low, high = _TISSUE_HU
        soft = (head.array > low) & (head.array < high)
        soft = ndimage.binary_opening(soft, _IN_PLANE)
        pieces, count = ndimage.label(soft)
        sizes = np.bincount(pieces.ravel())[1:]
        if not count or sizes.max() < _LEAST_BRAIN:
            msg = f"No brain was found ({error}); give one with --brain"
            raise DataError(msg) from error
        mask = ndimage.binary_fill_holes(pieces == 1 + int(sizes.argmax()))
        note = (
            f"no skull with a brain in it was found ({error}); the largest piece of "
            f"{low:.0f} to {high:.0f} HU was taken: give a mask with --brain if it is "
            "not the brain"
        )
        return np.asarray(mask), (note,)


def _on_grid(
    values: dict[PerfusionMap, Array], brain: Mask, series: Series
) -> dict[PerfusionMap, Volume]:
    maps = {}
    for name, inside in values.items():
        array = np.zeros(brain.shape, np.float32)
        array[brain] = inside
        maps[name] = Volume(array, series.affine, Kind(name.value))
    return maps


def warnings_of(found: Found, tissue: Array) -> list[str]:
    """Say in a sentence each what makes the maps less certain."""
    said = []
    if found.frames < 3:
        said.append(
            f"the baseline has {found.frames} frames before contrast arrives; three or "
            "more make it steadier"
        )
    if found.vein is None:
        said.append(
            "no vein was found: the artery was not corrected for what tissue dilutes it"
        )
    elif vessels.is_truncated(found.vein.curve):
        said.append("the series ends before the bolus has passed the vein")
    if vessels.is_truncated(tissue):
        said.append(
            "the series ends before the brain has fallen to half of its peak: CBV and "
            "MTT of slow tissue are less certain"
        )
    return said
