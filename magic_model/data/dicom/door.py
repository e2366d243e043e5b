"""The one door for a folder of DICOM: every series in a table, and what is taken."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from magic_model.data.dicom import ncct_choice
from magic_model.data.dicom.description import cleaned_kernel
from magic_model.data.dicom.parts import Part, Sort, is_copy, parts_of
from magic_model.data.dicom.series import DicomFolder, Series, find_series
from magic_model.data.dicom.table import SeriesRow
from magic_model.data.volume import Kind
from magic_model.errors import DataError, pluralize

_SET_APART = {
    Sort.LOCALIZER: "is a localizer",
    Sort.PICTURE: "is a picture: colour, screen save or secondary capture",
    Sort.REPORT: "holds no image",
    Sort.SYNTHETIC: "is synthetic, as SyntheticData says: no measurement",
}


@dataclass(frozen=True, eq=False)
class Role:
    """A series, or the files in it that show one map, as what it can serve.

    Attributes:
        kind: `NCCT` or a map.
        parts: The series, or two that are parts of one head.
    """

    kind: Kind
    parts: tuple[Part, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """Its files."""
        return tuple(path for part in self.parts for path in part.paths)

    @property
    def n_images(self) -> int:
        """Images in them."""
        return sum(part.n_images for part in self.parts)

    @property
    def is_grey(self) -> bool:
        """Tells values from pictures in colour, also those with a palette."""
        return self.parts[0].first.is_grey

    @property
    def is_joined(self) -> bool:
        """Whether it is of several series."""
        return len(self.parts) > 1

    @property
    def called(self) -> str:
        """Series and images, for notes: holds nothing that was typed freely."""
        name = self.parts[0].description
        number = f", number {self.parts[0].number}" if self.parts[0].number else ""
        named = f"the series{f' {name!r}' if name else ''} of {self.n_images} images"
        return named + number

    @property
    def name(self) -> str:
        """For messages on the console, with the folder in which it lies."""
        return f"{self.called.removeprefix('the ')} in {self.paths[0].parent}"

    @property
    def burnt_in(self) -> str:
        """Why text may stand in the pixels of a file, empty if nothing says so."""
        warnings = (image.burnt_in for part in self.parts for image in part.images)
        reason = next(filter(None, warnings), "").partition(":")[0]
        return reason.removeprefix("a ")


@dataclass(frozen=True, eq=False)
class Door:
    """What lies in a patient's folder, and what is taken of it.

    Attributes:
        roles: Series for each image; several mean that they are equally plausible.
        rows: Every series, and why it was taken or left.
        notes: What must be known to judge the choice.
        problem: Why the series named by hand cannot be taken; empty if it can.
        twice: Files that show one place with other pixels; paths, so for messages only.
    """

    roles: dict[Kind, list[Role]]
    rows: tuple[SeriesRow, ...]
    notes: tuple[str, ...]
    problem: str = ""
    twice: str = ""

    @property
    def remedy(self) -> str:
        """What to do where no series can be the NCCT, for messages."""
        if self.twice:
            return f"keep one of {self.twice}, or name a series with --series"
        return "name a series with --series if it is one all the same"

    @property
    def why_no_ncct(self) -> str:
        """Why no series is the NCCT, series by series."""
        left = [f"series {row.series} {row.why}" for row in self.rows if not _map(row)]
        reasons = "; ".join(left) or "there are maps alone"
        return self.problem or f"one CT series must be the NCCT, got none: {reasons}"


def open_folder(folder: Path, wanted: str = "") -> Door:
    """Find what is what in a folder or ZIP archive of DICOM.

    Args:
        folder: One patient's.
        wanted: SeriesNumber or SeriesInstanceUID of the NCCT; chosen if left out.

    Raises:
        DataError: If it cannot be read.
    """
    return open_content(find_series(folder), wanted)


def open_content(content: DicomFolder, wanted: str = "") -> Door:
    """Find what is what among series: the NCCT, and each map.

    The NCCT is what `choose_ncct` takes. A map is what `guess_kind` says of its files;
    grey ones go before coloured ones.
    """
    parts = [part for series in content.series for part in parts_of(series)]
    choice = ncct_choice.choose_ncct(parts, wanted)
    roles: dict[Kind, list[Role]] = {}
    if choice.chosen:
        roles[Kind.NCCT] = [Role(Kind.NCCT, one.parts) for one in choice.chosen]
    roles |= _maps(parts)
    return Door(
        {kind: roles[kind] for kind in Kind if kind in roles},
        tuple(_rows(parts, choice, roles)),
        (*_copies(content.series), *choice.notes, *_apart(parts), *_patients(content)),
        choice.problem,
        next((part.twice for part in parts if _stands_twice(part)), ""),
    )


def _stands_twice(part: Part) -> bool:
    is_stack = part.sort is Sort.SLICES and not part.stack.is_perfusion
    return is_stack and bool(part.twice)


def burnt_in_note(roles: Iterable[Role]) -> tuple[str, ...]:
    """Warn once of text in the pixels of the images in use; no note if there is none.

    Only what headers tell is known: the pixels are not searched.
    """
    told = ((role.kind, role.burnt_in) for role in roles)
    where = ", ".join(f"{kind} ({reason})" for kind, reason in told if reason)
    if not where:
        return ()
    return (
        f"burnt-in text is possible in {where}: "
        "look at the pictures before you share them",
    )


def the_ncct(door: Door, folder: Path) -> Role:
    """Return the one series that is the NCCT.

    Raises:
        DataError: Naming the folder, if there is none or several are equally good.
    """
    found = door.roles.get(Kind.NCCT, [])
    if len(found) == 1:
        return found[0]
    if not door.rows:
        msg = f"{folder}: must hold one CT series, got 0: none"
        raise DataError(msg)
    if not found:
        msg = f"{folder}: {door.why_no_ncct}; {door.remedy}"
        raise DataError(msg)
    msg = f"{folder}: {equally_plausible(Kind.NCCT, found)}"
    raise DataError(msg)


def equally_plausible(kind: Kind, roles: Sequence[Role]) -> str:
    """Say that several series could be an image, and what to do."""
    names = " and ".join(role.name for role in roles)
    remedy = "name one with --series" if kind is Kind.NCCT else "move one away"
    return f"{kind} must be one series, equally plausible are {names}; {remedy}"


def _map(row: SeriesRow) -> bool:
    return row.role in set(Kind) - {Kind.NCCT}


def _maps(parts: Sequence[Part]) -> dict[Kind, list[Role]]:
    found: dict[Kind, list[Part]] = defaultdict(list)
    for part in parts:
        if part.kind is not None:
            found[part.kind].append(part)
    return {
        kind: [Role(kind, (part,)) for part in _distinct(_grey_first(same))]
        for kind, same in found.items()
    }


def _grey_first(parts: Sequence[Part]) -> list[Part]:
    return [part for part in parts if part.first.is_grey] or list(parts)


def _distinct(parts: Sequence[Part]) -> list[Part]:
    """Leave series out that show what another shows."""
    kept: list[Part] = []
    for part in parts:
        if not any(is_copy(part, one) for one in kept):
            kept.append(part)
    return kept


def _rows(
    parts: Sequence[Part],
    choice: ncct_choice.NcctChoice,
    roles: dict[Kind, list[Role]],
) -> Iterator[SeriesRow]:
    taken = {id(p): k for k, found in roles.items() for r in found for p in r.parts}
    n_rivals = {kind: len(found) for kind, found in roles.items()}
    for part in parts:
        kind = taken.get(id(part))
        stack = part.stack
        yield SeriesRow(
            series=part.number,
            description=part.description,
            kernel=cleaned_kernel(part.first.kernel),
            images=part.n_images,
            coverage_mm=round(stack.coverage_mm, 2),
            spacing_mm=(round(stack.spacing_mm[0], 2), round(stack.spacing_mm[1], 2)),
            tilt_degrees=round(stack.tilt_degrees, 1),
            contrast_told=ncct_choice.tells_contrast(part),
            contrast_seen=choice.seen.get(id(part)),
            role=_role(part, kind, n_rivals),
            why=_why(part, choice, kind, n_rivals),
        )


def _role(part: Part, kind: Kind | None, n_rivals: dict[Kind, int]) -> str:
    if kind is not None:
        return str(kind) if n_rivals[kind] == 1 else ""
    if part.sort in _SET_APART:
        return str(part.sort)
    return "4d" if part.sort is Sort.SLICES and part.stack.is_perfusion else ""


def _why(
    part: Part,
    choice: ncct_choice.NcctChoice,
    kind: Kind | None,
    n_rivals: dict[Kind, int],
) -> str:
    if kind is not None and n_rivals[kind] > 1:
        return f"is as plausible a {kind} as another series"
    if id(part) in choice.why:
        return choice.why[id(part)]
    if part.sort in _SET_APART:
        return _SET_APART[part.sort]
    if kind is not None:
        return "says so"
    return "is a picture or copy of a map that is there in grey"


def _copies(series: Sequence[Series]) -> Iterator[str]:
    for one in series:
        if one.n_copies:
            copies = "copy" if one.n_copies == 1 else "copies"
            yield f"{one.n_copies} identical {copies} dropped in series {one.number}"


def _apart(parts: Sequence[Part]) -> Iterator[str]:
    """Note what is not ordinary: a 4D series, and what hides in a series of slices."""
    hosts = {part.first.series_uid for part in parts if part.sort is Sort.SLICES}
    for part in parts:
        inside = part.first.series_uid in hosts
        if part.sort in _SET_APART and part.n_images and inside:
            images = pluralize(part.n_images, "image")
            yield f"{images} in series {part.number} set apart: {_SET_APART[part.sort]}"
        elif part.sort is Sort.SLICES and part.stack.is_perfusion:
            places = len(part.stack.heights)
            yield (
                f"{part.name} is a 4D series, {part.n_images} images at {places} "
                "heights"
            )


def _patients(content: DicomFolder) -> Iterator[str]:
    if content.n_patients > 1:
        yield (
            f"the series are of {content.n_patients} patients by their PatientID: see "
            "that they belong together"
        )
