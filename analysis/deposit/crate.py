"""What archives read of a deposit: RO-Crate 1.1, Psych-DS, and one file to upload.

https://w3id.org/ro/crate/1.1 and https://psychds-docs.readthedocs.io: each describes
the same folder in a file of its own.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from analysis.deposit.codebook import Variable

CRATE_FILE = "ro-crate-metadata.json"
PSYCH_DS_FILE = "dataset_description.json"
_NEVER = (1980, 1, 1, 0, 0, 0)  # the first time that a zip file can tell
_FORMATS: Mapping[str, str] = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".md": "text/markdown",
    ".qmd": "text/markdown",
    ".R": "text/x-r-source",
    ".xml": "application/xml",
}


@dataclass(frozen=True)
class Described:
    """What the archive is told of a study.

    Attributes:
        title: Of the study.
        licence: Under which others may use it, as SPDX has it, such as CC-BY-4.0;
            empty if none was given, and then nobody may.
        creators: Who made the data.
        made: Day of the deposit; None for today.
        remark: What must be known of the readings, as a sentence.
    """

    title: str
    licence: str = ""
    creators: tuple[str, ...] = ()
    made: date | None = None
    remark: str = ""

    @property
    def day(self) -> str:
        """Day of the deposit as text."""
        return (self.made or date.today()).isoformat()  # noqa: DTZ011 - a day here

    @property
    def terms(self) -> str:
        """The licence, or that there is none."""
        return self.licence or "none given, so it may not be used again"


def crate_text(folder: Path, about: Described) -> str:
    """Return ro-crate-metadata.json of the files that are in a folder."""
    files = [path for path in files_of(folder) if path.name != CRATE_FILE]
    names = [path.relative_to(folder).as_posix() for path in files]
    creators = [
        {"@id": f"#creator-{n}", "@type": "Person", "name": name}
        for n, name in enumerate(about.creators, 1)
    ]
    root: dict[str, Any] = {
        "@id": "./",
        "@type": "Dataset",
        "name": about.title,
        "description": _description(about),
        "datePublished": about.day,
        "license": _licence(about),
        "hasPart": [{"@id": name} for name in names],
    }
    if creators:
        root["creator"] = [{"@id": one["@id"]} for one in creators]
    descriptor = {
        "@id": CRATE_FILE,
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    parts = [
        {
            "@id": name,
            "@type": "File",
            "name": path.name,
            "contentSize": str(path.stat().st_size),
            "encodingFormat": _FORMATS.get(path.suffix, "application/octet-stream"),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for name, path in zip(names, files, strict=True)
    ]
    graph = [descriptor, root, *creators, *_licence_entity(about), *parts]
    return _json({"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph})


def psych_ds_text(about: Described, described: Iterable[Variable]) -> str:
    """Return dataset_description.json, with every column of the data."""
    measured = [
        {
            "@type": "PropertyValue",
            "name": one.name,
            "description": " ".join(one.label.split()),
            **({"valueReference": _codes(one)} if one.codes else {}),
        }
        for one in described
    ]
    content: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": about.title,
        "description": _description(about),
        "schemaVersion": "Psych-DS 0.4.0",
        "dateCreated": about.day,
        "variableMeasured": measured,
    }
    if about.licence:
        content["license"] = _licence(about)["@id"]
    if about.creators:
        people = [{"@type": "Person", "name": name} for name in about.creators]
        content["creator"] = people
    return _json(content)


def write_zip(folder: Path, path: Path) -> str:
    """Pack a folder, the same bytes for the same files, and return its SHA-256."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files_of(folder):
            name = f"{path.stem}/{file.relative_to(folder).as_posix()}"
            entry = zipfile.ZipInfo(name, _NEVER)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files_of(folder: Path) -> list[Path]:
    """Return all files below a folder, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _codes(one: Variable) -> list[dict[str, str]]:
    return [
        {"@type": "PropertyValue", "value": code, "name": label}
        for code, label in one.codes
    ]


def _description(about: Described) -> str:
    said = ("Answers of a blinded reader study. Research use only.", about.remark)
    return " ".join(filter(None, (*said, f"Licence: {about.terms}.")))


def _licence(about: Described) -> dict[str, str]:
    if not about.licence:
        return {"@id": "#no-licence"}
    return {"@id": f"https://spdx.org/licenses/{about.licence}"}


def _licence_entity(about: Described) -> list[dict[str, str]]:
    name = about.licence or "No licence was given; all rights reserved"
    return [{**_licence(about), "@type": "CreativeWork", "name": name}]


def _json(content: Mapping[str, Any]) -> str:
    return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n"
