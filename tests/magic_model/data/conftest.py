"""A head of ellipsoids: scalp, skull with a hole below, brain, ventricles."""

from types import SimpleNamespace

import numpy as np
import pytest

from magic_model.data.volume import Kind, Volume
from magic_model.maps import PerfusionMap

SHAPE = (64, 64, 20)
SPACING = (3.5, 3.5, 8.0)


def coordinates(shape=SHAPE, spacing=SPACING):
    """Affine of a grid centred on 0, and the mm of its voxels."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * s for n, s in zip(shape, spacing, strict=True)]
    index = np.indices(shape).reshape(3, -1)
    mm = affine[:3, :3] @ index + affine[:3, 3:]
    return affine, mm.reshape(3, *shape)


def ellipsoid(mm, axes, centre=(0, 0, 0)):
    return (
        sum(((m - c) / a) ** 2 for m, c, a in zip(mm, centre, axes, strict=True)) <= 1
    )


def make_head(shape=SHAPE, spacing=SPACING, *, noise=0.0, seed=0):
    """Head in RAS; the patient's right front of the brain has a dense ball."""
    affine, mm = coordinates(shape, spacing)
    neck = (np.hypot(mm[0], mm[1] + 10) < 55) & (mm[2] < -30)
    scalp = ellipsoid(mm, (78, 98, 74)) | neck
    bone = ellipsoid(mm, (72, 92, 68)) & ~ellipsoid(mm, (63, 83, 60))
    foramen = (np.hypot(mm[0], mm[1] + 10) < 15) & (mm[2] < 0)
    brain = ellipsoid(mm, (63, 83, 60))
    ball = ellipsoid(mm, (15, 15, 15), (35, 45, 0))
    ct = np.full(shape, -1000.0)
    ct[scalp] = 40
    ct[bone & ~foramen] = 1000
    ct[brain] = 32
    ct[brain & ellipsoid(mm, (12, 25, 18), (0, 5, 5))] = 8
    ct[brain & ball] = 60
    ct += np.random.default_rng(seed).normal(0, noise, shape) if noise else 0
    return SimpleNamespace(
        ncct=Volume(ct, affine, Kind.NCCT),
        brain=Volume(brain, affine, Kind.BRAIN_MASK),
        ball=ball,
        affine=affine,
        mm=mm,
    )


def make_maps(head, *, z_from=0, z_to=None):
    """CBF, MTT and Tmax with a core inside tissue at risk on the patient's left."""
    brain = head.brain.array.astype(bool)
    at_risk = brain & ellipsoid(head.mm, (20, 35, 30), (-40, 0, 0))
    core = brain & ellipsoid(head.mm, (10, 20, 20), (-40, 0, 0))
    held = np.zeros(brain.shape, dtype=bool)
    held[:, :, z_from:z_to] = True
    values = {
        PerfusionMap.CBF: np.where(core, 8.0, np.where(at_risk, 25.0, 50.0)),
        PerfusionMap.MTT: np.where(at_risk, 10.0, 4.0),
        PerfusionMap.TMAX: np.where(at_risk, 9.0, 1.0),
        PerfusionMap.TTP: np.where(at_risk, 19.0, 11.0),
    }
    maps = {
        name: Volume(np.where(brain & held, v, 0), head.affine, name.value)
        for name, v in values.items()
    }
    return SimpleNamespace(maps=maps, core=core & held, at_risk=at_risk & held)


@pytest.fixture(scope="session")
def head():
    return make_head()


@pytest.fixture(scope="session")
def head_maker():
    return make_head


@pytest.fixture(scope="session")
def maps_maker():
    return make_maps
