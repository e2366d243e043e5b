import json

import pytest

import analysis
from analysis.dossier import write_dossier
from tests.analysis.deposit.conftest import write_study

FLOW = {
    "phase": "unblinded",
    "simulated": False,
    "readings": [
        {"reader": f"R{n}", "trial": t, "assigned": 8, "opened": 8, "submitted": 8}
        for n in range(3)
        for t in (1, 2)
    ],
    "readers": [
        {"name": f"R{n}", "specialty": "neuroradiologist", "years": 9.0}
        for n in range(3)
    ]
    + [{"name": "R9", "status": "excluded", "reason": "moved away"}],
    "programs": [{"milestone": "built", "program": "0.0.9"}],
    "deviations": [{"kind": "case_withdrawn", "reason": "another patient"}],
    "grras": {"4": "Readers: 3.", "8": "Readers were blinded.", "12": "R0: 9 years."},
}


@pytest.fixture(scope="module")
def unblinded(tmp_path_factory):
    """What `unblind` leaves of a small study of two methods."""
    folder = tmp_path_factory.mktemp("dossier") / "unblinded"
    path = write_study(
        folder,
        n_readers=3,
        n_cases=8,
        primary={"question": "Q3", "measure": "kappa"},
        rating="Q4",
        threshold=3,
    )
    (folder / "flow.json").write_text(json.dumps(FLOW))
    return path


@pytest.fixture(scope="module")
def study(unblinded):
    """The same, read."""
    return analysis.read_study(unblinded)


@pytest.fixture(scope="module")
def written(study):
    """The dossier of it, and the folder that it was written to."""
    folder = study.path.parent.with_name("dossier")
    return write_dossier(study, folder), folder
