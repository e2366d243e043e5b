"""Whatever is installed for use has a licence that lets others use and pass it on."""

import re
from functools import cache
from importlib import metadata

from packaging.requirements import Requirement

from tests.pages import ROOT

FREE = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "ISC",
    "MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Zlib",
}  # fmt: skip
WEAK_COPYLEFT = {"LGPL-3.0-only", "MPL-2.0"}
"""May be used unchanged by programs of any licence."""

SAID_OTHERWISE = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}
"""Words of older metadata, in small letters, and what they mean."""

EXTRAS = ("", "dicom", "model", "onnx", "registration", "tensorboard")
NOT_OURS_TO_PASS_ON = re.compile(r"cuda-|nvidia-|triton$")
"""What torch brings on machines with a GPU: its makers' own terms, read there."""


def licence_of(name):
    """Return the SPDX expression of an installed package, or what it says instead."""
    about = metadata.metadata(name)
    if expression := about.get("License-Expression"):
        return expression
    classified = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier", [])
        if line.startswith("License :: ") and not line.endswith("DFSG approved")
    ]
    said = classified or [(about.get("License") or "").strip().partition("\n")[0]]
    return " OR ".join(SAID_OTHERWISE.get(word.lower(), word) for word in said)


def is_allowed(expression):
    """Whether every part that must hold has an alternative that is allowed."""
    parts = re.split(r" AND ", expression)
    return all(
        any(
            re.sub(r" WITH LLVM-exception$", "", one.strip("() "))
            in FREE | WEAK_COPYLEFT
            for one in part.split(" OR ")
        )
        for part in parts
    )


@cache
def pins():
    """Return the pinned version of each package."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [re.match(r"([\w.-]+)(?:\[.*?\])?==([\w.]+)", line) for line in lines]
    return {plain(pin[1]): pin[2] for pin in found if pin}


def plain(name):
    return name.lower().replace("_", "-")


def is_as_pinned(name):
    """Whether what is installed, and so what it needs, is what is pinned."""
    version = metadata.version(name).partition("+")[0]
    return name == "magic-ctp" or pins().get(plain(name)) == version


def used():
    """Return all installed packages that the program needs, with its extras for use."""
    found, waiting = set(), [("magic-ctp", extra) for extra in EXTRAS]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        for line in (metadata.requires(name) or ()) if is_as_pinned(name) else ():
            wanted = Requirement(line)
            if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
                continue
            found.add(plain(wanted.name))
            for further in ("", *wanted.extras):
                if (step := (wanted.name.lower(), further)) not in seen:
                    seen.add(step)
                    waiting.append(step)
    return {name for name in found if not NOT_OURS_TO_PASS_ON.match(name)}


def test_each_package_in_use_is_pinned_and_under_an_allowed_licence():
    packages = used()

    assert {"numpy", "psycopg-binary", "torch", "pydicom", "altair"} <= packages
    assert packages - set(pins()) == set()
    refused = {p: licence_of(p) for p in packages if not is_allowed(licence_of(p))}
    assert refused == {}


def test_what_is_not_allowed_is_told():
    assert is_allowed("MIT OR GPL-3.0-only")
    assert is_allowed("BSD-3-Clause AND MPL-2.0")
    assert not is_allowed("MIT AND GPL-3.0-only")
    assert not is_allowed("")
    assert not is_allowed("UNKNOWN")
