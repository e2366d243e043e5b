import re
from dataclasses import replace

import pytest

from analysis.report.methods import (
    ALWAYS,
    base_methods,
    cited,
    marks,
    methods_paragraphs,
    numbered,
    parts_of,
    with_numbers,
)
from analysis.report.section import Section


def test_the_base_methods_cite_what_is_always_cited_in_that_order(simulated):
    found = [key for sentence in base_methods(simulated) for key in marks(sentence)]
    assert tuple(found) == ALWAYS


def test_numbers_follow_the_order_of_citation(simulated):
    text = " ".join(methods_paragraphs(simulated))
    listed = numbered(parts_of(simulated))
    numbers = [
        int(n) for group in re.findall(r"\[([\d, ]+)\]", text) for n in group.split(",")
    ]
    assert set(numbers) <= set(listed.values())
    assert list(listed.values()) == list(range(1, len(listed) + 1))
    first_uses = list(dict.fromkeys(numbers))
    assert first_uses == sorted(first_uses)
    assert len(cited(parts_of(simulated))) == len(listed)


def test_no_mark_is_left_in_the_text(simulated):
    assert not re.search(r"\{[a-z_, ]+\}", " ".join(methods_paragraphs(simulated)))


def test_what_the_data_are_and_the_software_are_said(simulated):
    first, *_, last = methods_paragraphs(simulated)
    assert first.startswith("The readings analysed here are simulated. Answers of 7")
    assert re.fullmatch(r"Computed with magic-analyze \d+\.\S+\.", last)


def test_what_was_done_with_incomplete_pairs_is_said(simulated):
    one = replace(simulated, incomplete="disagree", readers=["R1"], provenance="study")
    text = " ".join(base_methods(one))
    assert "exactly one answer counts as a disagreement" in text
    assert text.startswith("Answers of one reader")


def test_a_name_in_braces_is_no_citation():
    section = Section("a", "A", methods=("Of {method} and {gwet}.",))
    numbers = numbered([section])
    assert marks(section.methods[0]) == ["gwet"]
    assert with_numbers(section.methods[0], numbers) == (
        f"Of {{method}} and [{numbers['gwet']}]."
    )


@pytest.mark.parametrize("last", ["satterthwaite", "owen"])
def test_sources_without_a_mark_come_after_those_with_one(last):
    section = Section("a", "A", methods=("By {pesarin}.",), references=(last,))
    assert list(numbered([section]))[-2:] == ["pesarin", last]
