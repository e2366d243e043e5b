"""How well, how fast and how honestly NCCT and perfusion maps are registered.

    python -m benchmarks.registration
    python -m benchmarks.registration --motions 12
    python -m benchmarks.registration --parts strangers alarms

Whole heads of the phantom (skull, noise, lesions) are scanned once for the maps and,
moved by a known motion, once for the NCCT: up to 10 degrees about a random axis through
the brain and 20 mm in a random direction. The NCCT has slices of 1 or 5 mm in the
scanner's frame; the maps are means over 10 mm with noise of 15 %, on ten, seven or four
slices. Residuals are mean distances over the brain. Prints how many stay under 1.5 mm,
how many are reported as not trusted, and how many are wrong without a word; the same
for each map, without stripping the skull, and for maps of another patient. Then alarms
of the check of overlap, on slabs in place and 10 mm off.
"""

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.spatial.transform import Rotation

from magic_model.data.checks import check_patient
from magic_model.data.grid import resample
from magic_model.data.registration import RigidRegistration, register_rigid
from magic_model.data.skull_strip import MorphologicalSkullStripper
from magic_model.data.volume import Affine, Kind, Volume
from magic_model.phantom.generate import plan_cohort
from magic_model.phantom.patient import PhantomSpec, simulate
from magic_model.severity import Severity

MOTIONS, HEADS, SEED = 100, 5, 27
MOST_DEGREES, MOST_MM = 10.0, 20.0
BOUND_MM = 1.5
MAPS = (Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP, Kind.TMAX)
COVERAGES = ((15, 10), (25, 7), (50, 4))  # first slice in mm from below, and how many
THICKNESSES = (1, 5)
SLICE_MM, NOISE = 10, 0.15
PIVOT = np.array([0.0, 0.0, 15.0])
PARTS = ("motions", "maps", "unstripped", "strangers", "alarms")

Head = dict[Kind, Volume]
Draw = partial[Iterator["Scene"]]


@dataclass(frozen=True)
class Scene:
    """A moved NCCT, maps, and the motion between them."""

    ncct: Volume
    maps: Head
    moved_by: Affine
    points: Affine
    n_slices: int
    thickness_mm: int


@dataclass(frozen=True)
class Outcome:
    """What came of a scene."""

    scene: Scene
    found: RigidRegistration
    before_mm: float
    after_mm: float
    cpu_s: float


def heads(n: int, seed: int) -> list[Head]:
    """Whole heads with and without lesions, maps on planes of 1 mm."""
    classes = list(Severity)
    return [
        simulate(PhantomSpec(classes[i % len(classes)], "full"), planned.rng()).images
        for i, planned in enumerate(plan_cohort(n, seed))
    ]


def motion(rng: np.random.Generator) -> Affine:
    """Draw a rotation about the middle of the brain, and a shift."""
    axis, way = (v / np.linalg.norm(v) for v in rng.standard_normal((2, 3)))
    angle = np.radians(rng.uniform(0, MOST_DEGREES))
    moved = np.eye(4)
    moved[:3, :3] = Rotation.from_rotvec(angle * axis).as_matrix()
    shift = rng.uniform(0, MOST_MM) * way
    moved[:3, 3] = PIVOT - moved[:3, :3] @ PIVOT + shift
    return moved


def scanned(ncct: Volume, moved_by: Affine, thickness_mm: int) -> Volume:
    """Scan the moved head in slices of the scanner, which stand still."""
    averaged = uniform_filter1d(ncct.array, thickness_mm, axis=2)
    affine = ncct.affine @ np.diag([1, 1, thickness_mm, 1])
    x, y, z = ncct.shape
    moved = Volume(averaged, moved_by @ ncct.affine, Kind.NCCT)
    return resample(moved, affine, (x, y, z // thickness_mm), outside=-1000.0)


def measured(
    head: Head, kind: Kind, coverage: tuple[int, int], rng: np.random.Generator
) -> Volume:
    """Average a map over slices of 10 mm, with noise; 0 where half is no brain."""
    first, n = coverage
    image, brain = (
        head[k].array[..., first : first + n * SLICE_MM].reshape(*shape, n, SLICE_MM)
        for k, shape in ((k, head[k].shape[:2]) for k in (kind, Kind.BRAIN_MASK))
    )
    share = brain.mean(axis=3)
    means = image.mean(axis=3) / np.maximum(share, 0.5) * (share >= 0.5)
    noise = 1 + NOISE * rng.standard_normal(means.shape, dtype=np.float32)
    affine = head[kind].affine @ np.diag([1.0, 1.0, SLICE_MM, 1.0])
    affine[2, 3] = head[kind].affine[2, 3] + first + (SLICE_MM - 1) / 2
    return Volume(means * noise, affine, kind)


def scenes(given: Sequence[Head], n: int, seed: int) -> Iterator[Scene]:
    """Draw motions, coverages and slice thicknesses."""
    for i in range(n):
        rng = np.random.default_rng([seed, i])
        head = given[i % len(given)]
        first, n_slices = COVERAGES[int(rng.integers(len(COVERAGES)))]
        thickness = int(rng.choice(THICKNESSES))
        moved_by = motion(rng)
        brain = np.argwhere(head[Kind.BRAIN_MASK].array > 0)[::997]
        at = np.column_stack([brain, np.ones(len(brain))]).T
        yield Scene(
            ncct=scanned(head[Kind.NCCT], moved_by, thickness),
            maps={kind: measured(head, kind, (first, n_slices), rng) for kind in MAPS},
            moved_by=moved_by,
            points=head[Kind.BRAIN_MASK].affine @ at,
            n_slices=n_slices,
            thickness_mm=thickness,
        )


def registered(scene: Scene, kind: Kind = Kind.CBF, *, whole: bool = False) -> Outcome:
    """Register a scene and compare with its motion."""
    everything = scene.ncct.with_array(np.ones(scene.ncct.shape), Kind.BRAIN_MASK)
    started = time.process_time()
    found = register_rigid(
        scene.ncct, scene.maps[kind], brain=everything if whole else None
    )
    cpu_s = time.process_time() - started
    before, after = (
        np.linalg.norm(
            (place @ scene.moved_by @ scene.points - scene.points)[:3], axis=0
        )
        for place in (np.eye(4), found.matrix)
    )
    return Outcome(scene, found, float(before.mean()), float(after.mean()), cpu_s)


def line(outcome: Outcome) -> str:
    """Tell of one motion."""
    scene, found = outcome.scene, outcome.found
    return (
        f"{outcome.before_mm:5.1f} {outcome.after_mm:5.2f} mm, apart "
        f"{_told(found)}, {scene.n_slices} slices, NCCT of {scene.thickness_mm} mm, "
        f"{outcome.cpu_s:.1f} s, {list(found.doubts)}"
    )


def _told(found: RigidRegistration) -> str:
    offset = found.offset
    return (
        f"{found.apart_mm:.2f}, off {offset.mm:.1f}, misfit {offset.misfit_mm:.1f}, "
        f"larger {offset.larger_mm:.1f}, elsewhere {found.elsewhere:.2f}"
    )


def row(name: str, outcomes: Iterable[Outcome]) -> str:
    """Sum outcomes up in a row of the table."""
    done = list(outcomes)
    before, after = (
        np.array([getattr(o, f) for o in done]) for f in ("before_mm", "after_mm")
    )
    trusted = np.array([o.found.trusted for o in done])
    good = after < BOUND_MM
    numbers = [
        len(done), f"{np.median(before):.1f}", f"{np.median(after):.2f}",
        f"{after.mean():.2f}", f"{np.quantile(after, 0.95):.2f}", f"{after.max():.2f}",
        good.sum(), (good & ~trusted).sum(), (~good & ~trusted).sum(),
        (~good & trusted).sum(), f"{np.median([o.cpu_s for o in done]):.1f}",
        f"{max(o.cpu_s for o in done):.1f}",
    ]  # fmt: skip
    return f"| {name} | " + " | ".join(map(str, numbers)) + " |"


HEADER = (
    "| | motions | before mm | median | mean | 95 % | largest | < 1.5 mm "
    "| of them doubted | worse, doubted | worse, trusted | CPU s | most |\n"
    "|---|" + "---:|" * 12
)


def alarms(n: int, seed: int) -> str:
    """Check slabs in place, and shifted by 10 mm along each axis both ways."""
    false, found = 0, 0
    shifts = [*(10 * np.eye(3)), *(-10 * np.eye(3))]
    for planned in plan_cohort(n, seed):
        images = simulate(planned.spec, planned.rng()).images
        brain, maps = MorphologicalSkullStripper()(images[Kind.NCCT]), images[Kind.CBF]
        for shift in [np.zeros(3), *shifts]:
            affine = brain.affine.copy()
            affine[:3, 3] += shift
            moved = Volume(brain.array, affine, brain.kind)
            inside = resample(moved, maps.affine, maps.shape, order=0)
            said = " ".join(check_patient(images, inside).findings)
            alarm = "off the brain of the NCCT" in said
            if shift.any():
                found += alarm
            else:
                false += alarm
    return (
        f"Check of overlap: alarms on {false} of {n} slabs in place, on {found} of "
        f"{n * len(shifts)} that lie 10 mm off"
    )


def motions(draw: Draw, n: int, *, each: bool = False) -> Iterator[str]:
    """Undo motions by CBF; rows of all, of each coverage and of each thickness."""
    outcomes = []
    for scene in draw(n=n):
        outcomes.append(registered(scene))
        if each:
            yield line(outcomes[-1])
    yield row("all, CBF", outcomes)
    for field, word in (("n_slices", "{} slices"), ("thickness_mm", "NCCT of {} mm")):
        for value in sorted({getattr(o.scene, field) for o in outcomes}):
            same = [o for o in outcomes if getattr(o.scene, field) == value]
            yield row(word.format(value), same)


def other_maps(draw: Draw, n: int) -> Iterator[str]:
    """Undo the same motions by the other maps."""
    for kind in MAPS[1:]:
        some = (registered(scene, kind) for scene in draw(n=n))
        yield row(f"{kind}, of the same", some)


def unstripped(draw: Draw, n: int) -> str:
    """Undo them without stripping the skull."""
    return row(
        "CBF, skull not stripped", (registered(s, whole=True) for s in draw(n=n))
    )


def strangers(
    given: Sequence[Head], n: int, seed: int, *, each: bool = False
) -> Iterator[str]:
    """Register maps of another patient, which cannot be right."""
    others = scenes([*given[1:], given[0]], n, seed)
    doubted = 0
    for scene, other in zip(scenes(given, n, seed), others, strict=True):
        found = register_rigid(scene.ncct, other.maps[Kind.CBF])
        doubted += not found.trusted
        if each:
            yield f"stranger: apart {_told(found)}, {list(found.doubts)}"
    yield f"Maps of another patient: {doubted} of {n} not trusted"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--motions", type=int, default=MOTIONS)
    parser.add_argument("--subset", type=int, default=12, help="of the other tables")
    parser.add_argument("--heads", type=int, default=HEADS)
    parser.add_argument("--alarms", type=int, default=20, help="heads of the check")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--each", action="store_true", help="print every motion")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    return parser.parse_args()


def lines(args: argparse.Namespace) -> Iterator[str]:
    """Yield what is printed, of the parts that are wanted."""
    given = heads(args.heads, args.seed) if {*args.parts} - {"alarms"} else []
    draw = partial(scenes, given, seed=args.seed)
    if {*args.parts} & {"motions", "maps", "unstripped"}:
        yield HEADER
    if "motions" in args.parts:
        yield from motions(draw, args.motions, each=args.each)
    if "maps" in args.parts:
        yield from other_maps(draw, args.subset)
    if "unstripped" in args.parts:
        yield unstripped(draw, args.subset)
    if "strangers" in args.parts:
        yield from strangers(given, args.subset, args.seed, each=args.each)
    if "alarms" in args.parts:
        yield alarms(args.alarms, args.seed)


def main() -> None:
    """Print the tables."""
    for text in lines(arguments()):
        print(text, flush=True)


if __name__ == "__main__":
    main()
