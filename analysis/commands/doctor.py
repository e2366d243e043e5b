"""`magic-analyze doctor`: the versions that matter in a report of a fault."""

import json
import os
import platform
import re
import shutil
from collections.abc import Iterator
from importlib import metadata

from analysis.commands.shared import AsJson, text_table

_DISTRIBUTION = "magic-ctp"
_REQUIRED = re.compile(r"([A-Za-z0-9._-]+)[^;]*(?:;.*extra == ['\"](\w+)['\"])?")
_FOR_PEOPLE_WHO_WORK_ON_IT = {"dev", "docs", "oracles"}
_PROGRAMS = ("Rscript", "quarto", "nginx", "dciodvfy")


def doctor(as_json: AsJson = False) -> None:
    """Print versions of program, Python, system and packages, for a report of a fault.

    Nothing in it names you, your files or your machine. The other programs are of the
    same version: magic-study, magic-model, magic-app.
    """
    found = [*_system(), *_packages(), *_programs()]
    if as_json:
        print(json.dumps({what: version for what, version, _ in found}, indent=1))
        return
    print(text_table(found, ("What", "Version", "For")))


def _system() -> Iterator[tuple[str, str, str]]:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield _DISTRIBUTION, metadata.version(_DISTRIBUTION), "all four programs"
    yield "Python", python, "all"
    yield "System", f"{platform.system()} {platform.machine()}", ""
    yield "Processors", str(os.cpu_count() or "unknown"), ""


def _packages() -> Iterator[tuple[str, str, str]]:
    """Yield each package that the installed program asks for, extras last."""
    wanted: dict[str, str] = {}
    for line in metadata.requires(_DISTRIBUTION) or ():
        match = _REQUIRED.match(line)
        name, extra = match.groups() if match else (line, None)
        if extra not in _FOR_PEOPLE_WHO_WORK_ON_IT:
            wanted.setdefault(name, f"[{extra}]" if extra else "all")
    for name, use in sorted(wanted.items(), key=lambda of: (of[1] != "all", of)):
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            version = "not installed"
        yield name, version, use


def _programs() -> Iterator[tuple[str, str, str]]:
    """Yield which programs of others are there; they are not run."""
    for name in _PROGRAMS:
        yield name, "found" if shutil.which(name) else "not found", "if you use it"
