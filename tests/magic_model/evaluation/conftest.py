"""Six patients with textured maps, measured and generated, on a small grid."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from magic_model.data.cohort import GENERATED_FILE, Patient, read_cohort, write_cohort
from magic_model.data.nifti import write_nifti
from magic_model.data.split import Split
from magic_model.data.volume import Kind, Volume
from magic_model.evaluation.result import evaluate_selection
from magic_model.evaluation.selection import select
from magic_model.severity import mismatch_ratio, severity_class

SHAPE = (64, 64, 2)
AFFINE = np.diag([4.0, 4.0, 10.0, 1.0])
AFFINE[:3, 3] = -126, -126, 0
MAPS = (Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP)
CORES = (0, 0, 12, 18, 26, 0)  # radius in mm
RISKS = (0, 20, 28, 30, 30, 0)


def images_of(rng, core_mm, risk_mm):
    x, y, _ = np.indices(SHAPE) * 4.0 - 126
    brain = np.hypot(x / 60, y / 75) < 1
    core, risk = (
        brain & (np.hypot(x + 25, y) < mm) if mm else np.zeros(SHAPE, bool)
        for mm in (core_mm, risk_mm)
    )
    texture = rng.normal(0, 1, SHAPE)
    cbf = np.where(core, 4, np.where(risk, 22, 40 + 9 * texture)).clip(2, 59)
    mtt = np.where(risk | core, 9.5, 4.2 + 0.4 * rng.normal(0, 1, SHAPE))
    ttp = np.where(risk | core, 21, 12 + rng.normal(0, 0.5, SHAPE))
    values = {
        Kind.NCCT: 32 + 2 * texture + rng.normal(0, 4, SHAPE),
        Kind.CBF: cbf,
        Kind.CBV: cbf * mtt / 60,
        Kind.MTT: mtt,
        Kind.TTP: ttp,
        Kind.CORE_MASK: core,
        Kind.PENUMBRA_MASK: risk | core,
        Kind.BRAIN_MASK: brain,
    }
    return {
        kind: Volume(
            np.where(brain, v, -1000 if kind is Kind.NCCT else 0), AFFINE, kind
        )
        for kind, v in values.items()
    }


def write_images(folder, patient_id, images):
    paths = {kind: Path(patient_id) / f"{kind}.nii.gz" for kind in images}
    for kind, path in paths.items():
        write_nifti(images[kind], folder / path)
    return paths


def millilitres(mask):
    return float(mask.array.sum()) * mask.voxel_ml


def write_measured(folder, rng):
    patients = []
    for number, (core_mm, risk_mm) in enumerate(zip(CORES, RISKS, strict=True), 1):
        images = images_of(rng, core_mm, risk_mm)
        core, risk = (
            millilitres(images[k]) for k in (Kind.CORE_MASK, Kind.PENUMBRA_MASK)
        )
        ratio = mismatch_ratio(core, risk)
        patients.append(
            Patient(
                patient_id=f"p{number}",
                split=Split.TRAIN if number == 6 else Split.TEST,
                severity=severity_class(ratio),
                core_ml=core,
                penumbra_ml=risk,
                mismatch_ratio=ratio,
                images=write_images(folder, f"p{number}", images),
            )
        )
    write_cohort(folder, patients)


def write_generated(folder, measured, patients, *, noise, seed=0, maps=MAPS):
    """Measured maps with noise of a share of each value."""
    rng = np.random.default_rng(seed)
    rows = []
    for patient in patients:
        images = {}
        for kind in maps:
            volume = measured.load(patient, kind)
            factor = 1 + noise * rng.normal(0, 1, volume.shape)
            images[kind] = volume.with_array(volume.array * factor.clip(0, 2))
        paths = write_images(folder, patient.patient_id, images)
        rows.append(replace(patient, images=paths))
    write_cohort(folder, rows, GENERATED_FILE)


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("evaluation")
    write_measured(root / "cohort", np.random.default_rng(5))
    measured = read_cohort(root / "cohort")
    tested = [p for p in measured.patients if p.split is Split.TEST]
    write_generated(root / "good", measured, tested, noise=0.05)
    write_generated(root / "poor", measured, tested, noise=0.5)
    return SimpleNamespace(
        root=root, cohort=root / "cohort", good=root / "good", poor=root / "poor"
    )


@pytest.fixture(scope="session")
def measured(folders):
    return read_cohort(folders.cohort)


@pytest.fixture(scope="session")
def methods(folders):
    return {
        name: read_cohort(folders.root / name, GENERATED_FILE)
        for name in ("good", "poor")
    }


@pytest.fixture(scope="session")
def evaluation(measured, methods):
    return evaluate_selection(select(measured, methods), seed=1)


@pytest.fixture(scope="session")
def lone(measured, folders):
    """One patient, of whom CBF alone was generated."""
    patient = [p for p in measured.patients if p.patient_id == "p3"]
    write_generated(
        folders.root / "lone", measured, patient, noise=0.1, maps=[Kind.CBF]
    )
    cohort = read_cohort(folders.root / "lone", GENERATED_FILE)
    return evaluate_selection(select(measured, {"lone": cohort}), seed=0)
