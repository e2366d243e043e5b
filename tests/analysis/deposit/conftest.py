import csv
import json

import numpy as np
import pytest

import analysis
from reader_study.formats.questionnaire import FILE_NAME, paper_questionnaire

ASKED = paper_questionnaire()


def write_study(folder, *, seed=5, n_readers=5, n_cases=16, **planned):
    """Write responses.csv and plan.json of a study with open answers and a truth."""
    rng = np.random.default_rng(seed)
    header = ["reader", "case", "method", "site", "truth", "Q1_reason", *ASKED.ids]
    rows = []
    for case in range(n_cases):
        truth = int(rng.random() < 0.5)
        own = {q.id: rng.integers(len(q.codes)) for q in ASKED}
        for reader in range(n_readers):
            for method in ("RAPID", "MAGIC"):
                row = {
                    "reader": f"Dr Smith {reader}",
                    "case": f"case-{case}",
                    "method": method,
                    "site": "=north" if reader < 2 else "south",
                    "truth": truth,
                    "Q1_reason": "blurred, said Mr Jones" if rng.random() < 0.2 else "",
                }
                for question in ASKED:
                    other = rng.random() < 0.4
                    at = (
                        rng.integers(len(question.codes)) if other else own[question.id]
                    )
                    row[question.id] = question.codes[at]
                row["Q4"] = int(np.clip(2 + 2 * truth + rng.integers(-2, 2), 1, 5))
                if rng.random() < 0.05:
                    row["Q3"] = ""
                rows.append(row)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "responses.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(rows)
    plan = {"title": "A study\nof two lines", "reference": "RAPID", "test": "MAGIC"}
    (folder / "plan.json").write_text(json.dumps({**plan, "analysis": planned}))
    (folder / FILE_NAME).write_text(ASKED.to_json())
    return folder / "responses.csv"


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """A study of five readers whose primary endpoint is kappa of Q3."""
    path = write_study(
        tmp_path_factory.mktemp("deposit") / "unblinded",
        primary={"question": "Q3", "measure": "kappa"},
        rating="Q4",
    )
    return analysis.read_study(path)
