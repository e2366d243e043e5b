# ruff: noqa: E501 - hashes
"""The two-method study of the template: the same draw, manifest and data for ever.

All hashes are of what the program gave before designs were data of their own. Whatever
is random or tells the time is handed in, so that nothing but the program can change
them. The statistics of a report are computed from the files pinned here and from
nothing else.
"""

import hashlib
import itertools
import json
import secrets
import zlib
from datetime import UTC, datetime

import numpy as np
import pytest

from reader_study.building.builder import build_study
from reader_study.building.sealing import unseal
from reader_study.building.study import open_study
from reader_study.design.study_plan import plan_study
from reader_study.formats.canonical import sha256_of
from reader_study.formats.checking import json_text
from reader_study.formats.protocol import parse_protocol, template
from reader_study.rehearsal.bots import SimulationPlan
from reader_study.rehearsal.simulation import SimulatedClock, simulate
from reader_study.running import lifecycle
from reader_study.running.study_store import open_study_store
from reader_study.running.unblinding import UnblindRequest, unblind
from tests.reader_study.material import (
    COUNTS,
    PASSPHRASE,
    paper_text,
    request,
    write_cases,
)

NONCE = "5a" * 32
AVAILABLE = {f"{s}-{i}": s for s, n in COUNTS.items() for i in range(n + 2)}
TEXTS = {
    "template": template(),
    "paper": paper_text(),
    "shared": template().replace('"per_reader"', '"shared"', 1),
    "one reader": template().replace("number = 7", "number = 1"),
    "tight": template()
    .replace("max_run = 3", "max_run = 1")
    .replace("min_distance = 3", "min_distance = 10"),
    "odd": template()
    .replace("severe = 7", "severe = 5")
    .replace("none = 7", "none = 1"),
}
DRAWN = {
    "template": "f2a3fc4e92b9f36f12f647e19ae6184318312f3cc482f3cb736afe1d3591c999",
    "paper": "74bf291e6afce144aeb818bf2d19ee653864cf9609435271031f1a8ad87c4dda",
    "shared": "902b69c055644dfc7245f01a12497a10f13c3d5f76fc622af6e5a5c36e04c71d",
    "one reader": "a55991f61d11b663e3e783b3d5b7a85dfef3eec9f73aae899d79ae2ab8338892",
    "tight": "866b529dcf81aa1936587624ae7d68a51faf196bf28b666b7fc3949a7fba0fdd",
    "odd": "78af91d8431d2931d7fe492f11bb660a07ca627ddf67d6e5bb3f1d6d20ada959",
}
MANIFEST = "e63daa6696ceef6d0ce2bab180998ebcd0dbd21f453304b389c9824981b8d7f1"
MANIFEST_WITHOUT_PIXELS = (
    "bfb90012617b90af14f738b7603a2cbf9e8814b908b9996ef9649f986059cffe"
)
FILES = {
    "responses.csv": "ad164955546846c76920aea591476838f1b841452ed88d49ae8109534d151ff4",
    "questionnaire.json": "0e25b231366e5e8bdfc7ff14f111d7e1cd2af1e7e3b46a86a92206cc3d01554f",
    "plan.json": "7ff1598d4038888e0c8d12dd71783f728d6489db4ccb0102b0a3da80959a550d",
    "flow.json": "01fd46f0a7804d7ecca079b070dbcf0406525998462ba2cc68c4bffad122e49e",
    "closing.csv": "f8fc8599882fd3cbdda0863a1211fe762e03281fafa7d96bdc8fa62ae6caf532",
    "responses_all_revisions.csv": "0773403064ad8a1c616988f85b6d3e50683a5aa54d5987f6ba61458936e5c0e1",
}
ZLIB_OF_PINS = "1.2.13"


def drawn_sha256(name):
    plan = plan_study(AVAILABLE, parse_protocol(TEXTS[name], "study.toml"), NONCE)
    shown = [
        (p.token, p.group, p.trial, p.pseudo_id, p.cell.case, p.cell.method)
        for p in plan.presentations
    ]
    slots = [
        (s.name, s.group, sorted((t, list(o)) for t, o in s.orders.items()))
        for s in plan.slots
    ]
    return sha256_of([shown, slots])


@pytest.mark.parametrize("name", TEXTS)
def test_protocol_and_nonce_draw_what_they_always_drew(name):
    assert drawn_sha256(name) == DRAWN[name]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Folder of a study whose every random text is a count."""
    folder = tmp_path_factory.mktemp("pinned")
    write_cases(folder)
    with Counted():
        build_study(request(folder))
    return folder


class Counted:
    """Random texts are counted up from 1 while this is entered."""

    def __enter__(self):
        numbers, self.real = itertools.count(1), secrets.token_hex
        secrets.token_hex = lambda n=32: f"{next(numbers):0{2 * n}x}"

    def __exit__(self, *_):
        secrets.token_hex = self.real


def test_the_manifest_has_the_bytes_it_always_had(built):
    content = json.loads((built / "STUDY" / "manifest.json").read_text())
    # Added later: the hash covers all the rest, the version is not the study's.
    del content["content_sha256"], content["program"]
    text = json_text(content, indent=1)
    for one in content["presentations"]:
        del one["sha256"], one["length"]  # of pixels as this zlib compresses them
    del content["commitment"]  # covers the files of the montages

    assert sha256_of(content) == MANIFEST_WITHOUT_PIXELS
    if zlib.ZLIB_RUNTIME_VERSION == ZLIB_OF_PINS:
        assert hashlib.sha256(text.encode()).hexdigest() == MANIFEST


@pytest.mark.slow
def test_what_bots_answer_and_unblinding_writes_is_what_it_always_was(built):
    study = open_study(built / "STUDY")
    clock = SimulatedClock(datetime(2026, 3, 1, 9, tzinfo=UTC))
    truth = unseal(built / "KEY", [PASSPHRASE])
    plan = SimulationPlan(kappa=0.5, bias=0.1, missing=0.03, corrected=0.1)
    with Counted():
        store = open_study_store(study, clock=clock)
        simulate(study, store, truth, plan, rng=np.random.default_rng(1), clock=clock)
        lifecycle.lock(study, store, by="Eve", clock=clock)
        wanted = UnblindRequest(
            key=built / "KEY",
            passphrases=(PASSPHRASE,),
            first="Eve",
            second="Max",
            reason="all have signed",
        )
        files = unblind(study, store, wanted, clock=clock).files
        store.close()
    flow = json.loads(files["flow.json"])
    milestones = [at["milestone"] for at in flow.pop("programs")]  # were added later
    assert milestones == ["built", "simulated", "opened", "locked", "unblinded"]
    files = {**files, "flow.json": json_text(flow)}
    found = {n: hashlib.sha256(text.encode()).hexdigest() for n, text in files.items()}
    del found["unblinding.json"]  # names the commitment and the last entry of the log

    assert found == FILES
