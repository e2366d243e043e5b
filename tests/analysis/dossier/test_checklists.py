"""Every item of every checklist is there, and says who answers it."""

import re
from pathlib import Path

import pytest

from analysis.dossier import checklists
from analysis.dossier.facts import KNOWN
from analysis.dossier.requirements import erasure, requirements
from analysis.report.checklist import GRRAS
from reader_study.formats.checking import FormatError
from tests.pages import ROOT
from tests.records_page import page


def numbered(last, **parts):
    """Numbers 1 to the last, those with parts as 15a, 15b, ..."""
    of = {int(name[1:]): letters for name, letters in parts.items()}
    return [
        f"{n}{letter}" for n in range(1, last + 1) for letter in (of.get(n) or [""])
    ]


ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"]
# Numbers as in the publications: Table 1 of GRRAS and of CLAIM 2024, Table 2 of
# STARD-AI and of DECIDE-AI (17 items with 28 parts, ten generic ones), the expanded
# checklist of TRIPOD+AI (27 items, 52 parts), and the seven Cs. Compared with the
# public copies that docs/how-to/register-and-report.md names.
PUBLISHED = {
    "grras": numbered(15),
    "claim_2024": numbered(44),
    "stard_ai": numbered(40, _15="abcd", _16="abc", _17="ab", _26="ab", _40="ab"),
    "tripod_ai": numbered(
        27, _3="abc", _5="ab", _6="abc", _8="abc", _9="abc", _12="abcdefg",
        _18="abcdef", _20="abc", _23="ab", _27="abc",
    ),
    "decide_ai": [
        *numbered(17, _2="ab", _3="abc", _4="abc", _5="ab", _6="ab", _9="ab", _10="ab",
                  _13="ab", _14="ab"),
        *ROMAN,
    ],
    "smd_scorecard": numbered(7),
}  # fmt: skip
COUNTS = {
    "grras": (15, 15), "claim_2024": (44, 44), "stard_ai": (40, 48),
    "tripod_ai": (27, 52), "decide_ai": (27, 38), "smd_scorecard": (7, 7),
}  # fmt: skip


@pytest.mark.parametrize("name", checklists.NAMES)
def test_every_published_item_is_there_once(name):
    found = checklists.checklist(name)
    numbers = [one.number for one in found.item]

    assert sorted(numbers) == sorted(PUBLISHED[name])
    assert (found.n_items, found.n_rows) == COUNTS[name]
    assert len(numbers) == found.n_rows
    items = {n if n in ROMAN else re.sub("[a-z]$", "", n) for n in numbers}
    assert len(items) == found.n_items
    assert "doi:10." in found.source


@pytest.mark.parametrize("name", checklists.NAMES)
def test_items_name_facts_that_there_are(name):
    named = {fact for one in checklists.checklist(name).item for fact in one.facts}

    assert named <= KNOWN


def test_no_fact_is_collected_for_nothing():
    named = {
        fact
        for name in checklists.NAMES
        for one in checklists.checklist(name).item
        for fact in one.facts
    }
    assert named == KNOWN


def test_report_and_dossier_word_grras_alike():
    found = checklists.checklist("grras").item
    assert {int(one.number): one.asks for one in found} == dict(GRRAS)


def test_who_answers_an_item():
    def status(known=(), **given):
        item = checklists.Item(number="1", part="Title", asks="A", **given)
        of = checklists.Checklist(
            name="N",
            title="T",
            source="S",
            about="A",
            n_items=1,
            n_rows=1,
            item=(item,),
        )
        (found,) = checklists.answered(of, {name: f"{name}." for name in known})
        return found.status, found.record, found.person

    assert status(["a", "b"], facts=("b", "a")) == ("from the record", "b. a.", "")
    assert status(["a"], facts=("a",), person="p") == ("in part", "a.", "p")
    assert status(facts=("a",), person="p") == ("a person", "", "p")
    assert status(facts=("a",)) == (
        "a person", "", "all of it: the record does not say.",
    )  # fmt: skip
    assert status(not_here="never") == ("does not apply", "never", "")


@pytest.mark.parametrize(
    "given",
    [{}, {"not_here": "never", "person": "p"}, {"not_here": "n", "facts": ["a"]}],
)
def test_an_item_that_contradicts_itself_is_refused(given):
    with pytest.raises(FormatError, match="must be given alone"):
        checklists.Item(number="1", part="Title", asks="A", **given)


def test_every_test_that_a_requirement_names_exists():
    for one in requirements():
        for named in one.tests:
            file, _, name = named.partition("::")
            source = (ROOT / file).read_text()
            assert re.search(rf"^def {name}\(", source, re.MULTILINE), named


def test_the_page_is_made_of_the_same():
    assert (ROOT / "docs" / "method" / "records.md").read_text() == page()


def test_laws_are_all_there_and_gaps_are_told():
    laws = [one.law for one in requirements()]

    assert {law.split()[0] for law in laws} == {"21", "ICH", "GDPR"}
    # 11.10(a) to (k), 11.30, and what is said of signatures.
    assert sum(law.startswith("21 CFR 11.10(") for law in laws) == 9
    assert any("11.200" in one.missing for one in requirements())
    assert "cannot be erased" in erasure()[0]
    assert "What is missing" in erasure()[-1]


def test_the_files_are_part_of_the_package():
    folder = Path(checklists.__file__).parent
    assert {path.stem for path in (folder / "lists").glob("*.toml")} == set(
        checklists.NAMES
    )
