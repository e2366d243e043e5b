"""Draw and save every figure of an evaluation."""

from pathlib import Path

from magic_model.evaluation.figures import samples
from magic_model.evaluation.figures.plots import box_plots, volume_plots
from magic_model.evaluation.figures.style import house_style, save
from magic_model.evaluation.metric import Metric
from magic_model.evaluation.result import Evaluation
from magic_model.evaluation.selection import load_pairs

_REGIONS = {
    "in_brain": ("in the brain", (Metric.SSIM_IN_BRAIN, Metric.UQI_IN_BRAIN)),
    "bounding_box": (
        "in the bounding box of the brain",
        (Metric.SSIM_BOX, Metric.UQI_BOX),
    ),
    "paper_compatible": (
        "paper-compatible: whole frame, see the trivial predictors",
        (Metric.SSIM_PAPER, Metric.UQI_PAPER),
    ),
}


def draw_figures(evaluation: Evaluation, folder: Path) -> dict[str, str]:
    """Save each figure as PNG and SVG.

    Returns:
        Caption by file name without ending.

    Raises:
        DataError: If an image cannot be read again.
        OSError: If a file cannot be written.
    """
    with house_style():
        return {
            **_boxes(evaluation, folder),
            **_samples(evaluation, folder),
            **_volumes(evaluation, folder),
        }


def _boxes(evaluation: Evaluation, folder: Path) -> dict[str, str]:
    captions = {}
    for region, (words, metrics) in _REGIONS.items():
        for number, method in enumerate(evaluation.methods, start=1):
            name = f"boxes_{region}_{number}"
            save(box_plots(evaluation, method, metrics), folder, name)
            captions[name] = (
                f"{method}: SSIM and UQI {words}. a, b: per map. c, d: by ratio of "
                "core to tissue at risk. A dot is a patient."
            )
    return captions


def _samples(evaluation: Evaluation, folder: Path) -> dict[str, str]:
    selection = evaluation.selection
    patients = samples.sample_patients(evaluation)
    captions = {}
    pairs = load_pairs(selection, list(patients.values()))
    for group, pair in zip(patients, pairs, strict=True):
        plane = samples.sample_slice(selection, pair.patient, pair.reference)
        name = f"sample_{group}"
        save(samples.sample_panels(pair, plane), folder, name)
        captions[name] = (
            f"Sample, severity {group}: the median patient by in-brain SSIM of "
            f"{evaluation.methods[0]}; the slice with most core, then most tissue at "
            "risk, else the middle one. Radiological view, one colour scale per column."
        )
    return captions


def _volumes(evaluation: Evaluation, folder: Path) -> dict[str, str]:
    if not evaluation.volumes:
        return {}
    save(volume_plots(evaluation), folder, "lesion_volumes")
    words = (
        "Lesion volumes, generated minus measured, against their mean. Solid: bias; "
        "dashed: 95 % limits of agreement. A dot is a patient."
    )
    return {"lesion_volumes": words}
