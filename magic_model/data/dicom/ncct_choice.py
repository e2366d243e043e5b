"""Which CT series is the NCCT: by what it covers, its kernel, and contrast in it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from magic_model.data import enhancement
from magic_model.data.dicom import description
from magic_model.data.dicom.ct import hounsfield
from magic_model.data.dicom.files import decode_frames, naming, read_dataset
from magic_model.data.dicom.frames import Frame
from magic_model.data.dicom.parts import Part, Sort, is_copy, is_original
from magic_model.errors import DataError

HEAD_MM = 180.0
"""A head is no higher: coverage beyond it makes no series better."""

AS_FAR = 0.9
"""Of the largest coverage; what covers this much is not left for its coverage."""

_SAME_SPACING = 1.05
_GAP = 1.5  # times the spacing, between two parts that are joined
_ASIDE_MM = 1.0


@dataclass(frozen=True, eq=False)
class Candidate:
    """A series, or several that are parts of one head."""

    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        """Numbers and descriptions, for notes."""
        return " and ".join(part.name for part in self.parts)

    @property
    def reach(self) -> float:
        """Coverage in mm that counts."""
        return min(HEAD_MM, sum(part.stack.coverage_mm for part in self.parts))

    @property
    def spacing(self) -> float:
        """Largest distance of neighbours."""
        return max(part.stack.spacing_mm[1] for part in self.parts)

    @property
    def is_original(self) -> bool:
        """Whether all images are as reconstructed from the scan."""
        return all(is_original(image) for p in self.parts for image in p.images)


@dataclass
class NcctChoice:
    """What was chosen, and why each other series was left.

    Attributes:
        chosen: The candidates that are equally good; one is the choice.
        why: Why each part was left or taken, by the part's identity.
        seen: Whether the pixels of a part show contrast, where they were looked at.
        notes: What must be known to judge the choice.
        problem: Why a series that was named by hand cannot be taken.
    """

    chosen: list[Candidate] = field(default_factory=list)
    why: dict[int, str] = field(default_factory=dict)
    seen: dict[int, bool] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problem: str = ""


def choose_ncct(parts: Sequence[Part], wanted: str = "") -> NcctChoice:
    """Find the NCCT among the parts of all series.

    Left are: what is no axial CT slice of a head, perfusion series, projections, what
    tells or shows contrast, and sharp kernels where there is a soft one. Of the others
    the one that covers most is taken; of those that cover about as much, an original
    before a reformat, one series before two, and the finest.

    Args:
        parts: Of all series of a patient.
        wanted: SeriesNumber or SeriesInstanceUID that is taken whatever it is.
    """
    choice = NcctChoice()
    slices = [part for part in parts if part.sort is Sort.SLICES]
    if wanted:
        _take_by_hand(slices, wanted, choice)
        return choice
    usable = [part for part in slices if not _leave(part, _why_not(part), choice)]
    usable = _without_copies(usable, choice)
    usable = [part for part in usable if not _leave(part, _seen(part, choice), choice)]
    usable = _soft_ones(usable, choice)
    candidates = [*(Candidate((part,)) for part in usable), *_joined(usable)]
    if not candidates:
        return choice
    choice.chosen = _best(candidates, choice)
    if len(choice.chosen) == 1:
        _explain(choice.chosen[0], usable, choice)
    return choice


def tells_contrast(part: Part) -> bool:
    """Return whether tags or description tell of contrast agent."""
    told = any(image.contrast_told for image in part.images)
    return told or description.tells_contrast(part.first.description)


def _leave(part: Part, reason: str, choice: NcctChoice) -> bool:
    if reason:
        choice.why[id(part)] = reason
    return bool(reason)


def _why_not(part: Part) -> str:
    """Say why headers tell that a part is no NCCT; empty if they do not."""
    return next((reason for is_so, reason in _RULES if is_so(part)), "") or _twice(part)


def _is_projection(part: Part) -> bool:
    texts = (part.first.image_type, part.first.description)
    return any(description.is_projection(text) for text in texts)


def _is_elsewhere(part: Part) -> bool:
    texts = (part.first.body_part, part.first.description)
    return description.is_elsewhere(" ".join(texts))


_Rule = tuple[Callable[[Part], bool], str]

_RULES: Sequence[_Rule] = (
    (lambda part: part.first.modality != "CT", "is no CT"),
    (lambda part: part.stack.is_perfusion, "4D: each place is imaged again and again; "
     "perfusion maps must be made of it first"),
    (lambda part: not part.stack.is_axial, "is not axial"),
    (_is_projection, "is a projection (MIP or rendering)"),
    (tells_contrast, "tells contrast agent"),
    (_is_elsewhere, "shows another part of the body"),
)  # fmt: skip


def _twice(part: Part) -> str:
    if part.stack.twice() is None:
        return ""
    return "shows a place twice with other pixels: repeated, or several phases"


def _without_copies(parts: Sequence[Part], choice: NcctChoice) -> list[Part]:
    kept: list[Part] = []
    for part in parts:
        original = next((one for one in kept if is_copy(part, one)), None)
        if original is None:
            kept.append(part)
        else:
            choice.why[id(part)] = f"is a copy of {original.name}: the same pixels"
            choice.notes.append(f"{part.name} is a copy of {original.name}")
    return kept


def _seen(part: Part, choice: NcctChoice) -> str:
    """Look at the pixels; a part that cannot be read is refused when it is."""
    try:
        shares = list(_vessel_shares(part))
    except DataError:
        return ""
    choice.seen[id(part)] = enhancement.shows_contrast(shares)
    if not choice.seen[id(part)]:
        return ""
    return "shows contrast: vessels of 120 HU and more in the soft tissue"


def _vessel_shares(part: Part) -> Iterator[float]:
    images = part.by_height
    for i in enhancement.spread(len(images)):
        image = images[i]
        dataset = read_dataset(image.path)
        with naming(image.path):
            decoded = decode_frames(dataset, image.path)
            down, across = image.pixel_mm.tolist() or (1.0, 1.0)
            every = max(1, len(decoded) // enhancement.LOOKED_AT)
            for k in range(0, len(decoded), every):
                frame = Frame(image.path, dataset, k, decoded[k])
                yield enhancement.vessel_share(hounsfield(frame), (down, across))


def is_sharp(part: Part) -> bool:
    """Return whether the kernel is one for bone or lung."""
    return description.is_sharp(part.first.kernel, part.first.description)


def _soft_ones(parts: Sequence[Part], choice: NcctChoice) -> list[Part]:
    soft = [part for part in parts if not is_sharp(part)]
    if not soft:
        return list(parts)
    for part in parts:
        if part not in soft:
            choice.why[id(part)] = f"has a sharp kernel, {soft[0].name} a soft one"
    return soft


def _joined(parts: Sequence[Part]) -> Iterator[Candidate]:
    """Two series that continue each other."""
    for one, other in combinations(parts, 2):
        if _disjoint(one, other) and not obstacle(one, other):
            yield Candidate((one, other))


def _disjoint(one: Part, other: Part) -> bool:
    low, high = _in_order(one, other)
    if not (low.stack.heights.size and high.stack.heights.size):
        return False
    return _gap(low, high) > -_ASIDE_MM


def _gap(low: Part, high: Part) -> float:
    """Distance in mm from the last slice of the lower part to the first above."""
    first = float((high.stack.positions @ low.stack.normal).min())
    return first - float(low.stack.heights[-1])


def _in_order(one: Part, other: Part) -> tuple[Part, Part]:
    def middle(part: Part) -> float:
        heights = part.stack.positions @ one.stack.normal
        return float(heights.mean()) if heights.size else 0.0

    return (one, other) if middle(one) <= middle(other) else (other, one)


def obstacle(one: Part, other: Part) -> str:
    """Say why two parts of a head cannot be joined; empty if they can."""
    low, high = _in_order(one, other)
    a, b = low.first, high.first
    widest = max(low.stack.spacing_mm[1], high.stack.spacing_mm[1])
    gap = _gap(low, high)
    if a.space and b.space and a.space != b.space:
        return "it lies in another space"
    if a.shape != b.shape or not np.allclose(a.pixel_mm, b.pixel_mm, rtol=1e-3):
        return "its pixels are of another size"
    if not np.allclose(low.stack.normal, high.stack.normal, atol=1e-3):
        return "its slices are turned"
    if not _SAME_PLACE < gap <= _GAP * widest:
        return f"there are {gap:.1f} mm between them"
    return "it lies aside" if _aside(low, high, gap) > _ASIDE_MM else ""


_SAME_PLACE = 0.01  # mm


def _aside(low: Part, high: Part, gap: float) -> float:
    """How far the first slice above lies off the way of the slices below, in mm."""
    normal = low.stack.normal
    order = np.argsort(low.stack.positions @ normal)
    first, last = (low.stack.positions[order[i]] for i in (0, -1))
    forward = float((last - first) @ normal)
    way = (last - first) / forward if forward > 0 else normal
    above = high.stack.positions[int((high.stack.positions @ normal).argmin())]
    return float(np.linalg.norm(above - (last + gap * way)))


_Step = tuple[Callable[[Sequence[Candidate]], list[Candidate]], Callable[..., str]]


def _best(candidates: Sequence[Candidate], choice: NcctChoice) -> list[Candidate]:
    """Leave one after the other; each is told what was better."""
    left = list(candidates)
    for keep, say in _STEPS:
        kept = keep(left)
        for candidate in left:
            if candidate not in kept and len(candidate.parts) == 1:
                choice.why[id(candidate.parts[0])] = say(candidate, kept[0])
        left = kept
    return left


def _that_reach(candidates: Sequence[Candidate]) -> list[Candidate]:
    farthest = max(candidate.reach for candidate in candidates)
    return [one for one in candidates if one.reach >= AS_FAR * farthest]


def _originals(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [one for one in candidates if one.is_original] or list(candidates)


def _fewest(candidates: Sequence[Candidate]) -> list[Candidate]:
    fewest = min(len(one.parts) for one in candidates)
    return [one for one in candidates if len(one.parts) == fewest]


def _finest(candidates: Sequence[Candidate]) -> list[Candidate]:
    finest = min(one.spacing for one in candidates)
    return [one for one in candidates if one.spacing <= _SAME_SPACING * finest]


def _farthest(candidates: Sequence[Candidate]) -> list[Candidate]:
    most = max(one.reach for one in candidates)
    return [one for one in candidates if one.reach > most - one.spacing / 2]


_STEPS: Sequence[_Step] = (
    (_that_reach, lambda one, best: f"covers {one.reach:.0f} mm, {best.name} "
     f"{best.reach:.0f} mm"),
    (_originals, lambda _, best: f"is a reformat or average, {best.name} is original"),
    (_fewest, lambda _, best: f"is a part of the head, {best.name} is whole"),
    (_finest, lambda one, best: f"has slices {one.spacing:.3g} mm apart, {best.name} "
     f"{best.spacing:.3g} mm"),
    (_farthest, lambda one, best: f"covers {one.reach:.0f} mm, {best.name} "
     f"{best.reach:.0f} mm"),
)  # fmt: skip


def _explain(best: Candidate, usable: Sequence[Part], choice: NcctChoice) -> None:
    words = [f"covers {best.reach:.0f} mm"]
    words.append("sharp kernel" if is_sharp(best.parts[0]) else "no sharp kernel")
    words.append("original" if best.is_original else "reformat or average")
    seen = [choice.seen.get(id(part)) for part in best.parts]
    words.append("contrast not looked for" if None in seen else "no contrast seen")
    for part in best.parts:
        choice.why[id(part)] = ", ".join(words)
    if len(best.parts) > 1:
        choice.notes.append(f"ncct is joined of two parts of one head: {best.name}")
    if is_sharp(best.parts[0]):
        choice.notes.append("ncct has a sharp kernel: there is no soft one")
    if not best.is_original:
        choice.notes.append(
            "ncct is derived (reformat, average or compressed): there is no original"
        )
    for part in usable:
        if len(best.parts) == 1 and _disjoint(part, best.parts[0]):
            reason = obstacle(part, best.parts[0])
            told = f"shows another part of the head; not joined, since {reason}"
            choice.why[id(part)] = told
            choice.notes.append(f"{part.name} {told}")


def _take_by_hand(slices: Sequence[Part], wanted: str, choice: NcctChoice) -> None:
    found = [p for p in slices if wanted in (str(p.number), p.first.series_uid)]
    uids = sorted({part.first.series_uid for part in found})
    if not found:
        numbers = ", ".join(sorted({str(part.number) for part in slices})) or "none"
        choice.problem = f"no CT slices in a series {wanted}; there are {numbers}"
    elif len(uids) > 1:
        choice.problem = (
            f"series {wanted} must be one, got {len(uids)} of that number; "
            f"name it by its UID: {', '.join(uids)}"
        )
    else:
        best = max(found, key=lambda part: part.stack.coverage_mm)
        choice.chosen = [Candidate((best,))]
        _seen(best, choice)
        choice.why[id(best)] = "named by hand"
        choice.notes += _warnings(best, choice)
    for part in slices:
        choice.why.setdefault(id(part), f"series {wanted} was named by hand")


def _warnings(part: Part, choice: NcctChoice) -> Iterator[str]:
    """What speaks against a series that was named by hand."""
    reason = _why_not(part)
    if reason:
        yield f"{part.name} was named by hand, although it {reason}"
    elif choice.seen.get(id(part)):
        yield f"{part.name} was named by hand, although its pixels show contrast"
