"""The designs of the docs, each in 40 lines at most, are drawn with their template."""

import re
import tomllib
from pathlib import Path

import pytest

from reader_study.building import planning
from reader_study.building.demo import write_template

PAGE = Path(__file__).parents[3] / "docs/how-to/choose-a-design.md"
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
KINDS = {"one picture", "choice", "side by side", "aided"}


def test_each_kind_of_published_design_is_there():
    shown = {tomllib.loads(b)["design"].get("display", "one picture") for b in BLOCKS}
    assert shown == KINDS


@pytest.mark.parametrize("text", BLOCKS)
def test_a_design_of_the_docs_is_drawn_in_few_lines(text, tmp_path):
    assert len(text.splitlines()) <= 40
    content = tomllib.loads(text)
    name = content["study"]["questionnaire"].removesuffix(".json")
    write_template(tmp_path / "template.toml", name)
    arms, strata = content["design"]["arms"], content["design"].get("strata", [])
    lines = [",".join(["case", "method", "image", *strata])]
    lines += [
        ",".join([f"c{n}", arm, f"{n}-{place}.png", *["ab"[n % 2] for _ in strata]])
        for n in range(12)
        for place, arm in enumerate(arms)
    ]
    for n in range(12):
        for place, _ in enumerate(arms):
            (tmp_path / f"{n}-{place}.png").touch()
    (tmp_path / "cases.csv").write_text("\n".join(lines))
    (tmp_path / "study.toml").write_text(text)

    found = planning.preview(tmp_path / "study.toml", tmp_path / "cases.csv")

    readers = content["readers"]
    assert len(found.slots) == readers["number"] + readers.get("reserve", 0)
    kind = content["design"].get("display", "one picture")
    assert bool(found.display) == (kind != "one picture")
