"""What lies in a deposit, read with the rules of those who read it."""

import csv
import hashlib
import json
import re
import zipfile
from datetime import date
from xml.etree import ElementTree as ET

import pytest

import analysis
from analysis.cli import main
from analysis.deposit import Described, write_deposit
from analysis.published import reconstructed_responses_path
from analysis.report.writing import OutputError
from tests.analysis.deposit.conftest import ASKED, write_study

ABOUT = Described("A study", "CC-BY-4.0", ("Ann Author",), date(2026, 3, 1))
ODM = "{http://www.cdisc.org/ns/odm/v1.3}"


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "deposit"
    write_deposit(study, out, ABOUT)
    return out


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def readings(folder):
    return table(folder / "data" / "study-readings_data.csv")


def test_every_answer_is_there_once_under_another_reader_name(study, readings):
    assert len(readings) == len(study.responses.readings) == 160
    other = {}
    for reading, row in zip(study.responses.readings, readings, strict=True):
        answers = {name: row[name] for name in ASKED.ids if row[name]}
        assert answers == {name: str(code) for name, code in reading.answers.items()}
        assert (row["case"], row["method"]) == (reading.case, reading.method)
        assert row["truth"] == reading.truth
        other.setdefault(reading.reader, set()).add(row["reader"])
    assert sorted(other.values()) == [{f"R{n}"} for n in range(1, 6)]
    assert {row["site"] for row in readings} == {"'=north", "south"}


def test_no_file_tells_who_read_or_what_they_wrote(folder):
    with zipfile.ZipFile(folder.with_name("deposit.zip")) as archive:
        packed = b"".join(archive.read(name) for name in archive.namelist())
    assert len(packed) > 10_000
    for word in (b"Smith", b"Jones"):
        assert word not in packed


def test_names_and_texts_come_where_they_are_asked_for(study, tmp_path):
    write_deposit(study, tmp_path / "d", ABOUT, texts=True, reader_names=True)
    rows = table(tmp_path / "d" / "data" / "study-readings_data.csv")
    assert rows[0]["reader"] == "Dr Smith 0"
    assert any(row["Q1_reason"] == "blurred, said Mr Jones" for row in rows)
    assert "their own names" in (tmp_path / "d" / "README.md").read_text()


def test_the_codebook_has_every_column_and_code(folder, readings):
    book = {row["column"]: row for row in table(folder / "codebook.csv")}
    assert list(book) == list(readings[0])
    for question in ASKED:
        codes = dict(
            one.split(" = ", 1) for one in book[question.id]["codes"].split("; ")
        )
        assert list(codes) == [str(code) for code in question.codes]
        assert book[question.id]["label"] == question.text


def test_redcap_takes_the_dictionary_and_the_records(folder, readings):
    """Its rules: 18 columns, first the field record_id, plain names, coded choices."""
    fields = table(folder / "redcap" / "dictionary.csv")
    records = table(folder / "redcap" / "records.csv")
    names = [field["Variable / Field Name"] for field in fields]
    assert len(fields[0]) == 18
    assert names[0] == "record_id"
    assert all(re.fullmatch("[a-z][a-z0-9_]{0,25}", name) for name in names)
    assert len(set(names)) == len(names) == len(readings[0])
    assert list(records[0]) == [*names, "reading_complete"]
    for field, name in zip(fields, names, strict=True):
        choices = field["Choices, Calculations, OR Slider Labels"]
        assert (field["Field Type"] == "radio") == bool(choices)
        if choices:
            codes = {one.split(",")[0].strip() for one in choices.split("|")}
            assert {record[name] for record in records} <= codes | {""}
    assert [r["q3"] for r in records] == [row["Q3"] for row in readings]


def test_odm_refers_to_nothing_that_is_not_defined(folder, readings):
    root = ET.parse(folder / "odm.xml").getroot()  # noqa: S314 - our own file
    assert root.attrib["ODMVersion"] == "1.3.2"
    defined = {one.attrib["OID"] for one in root.iter() if "OID" in one.attrib}
    for element in root.iter():
        for name, value in element.attrib.items():
            if name.endswith("OID") and name not in {"OID", "FileOID"}:
                assert value in defined, (element.tag, name)
    found = [
        {item.attrib["ItemOID"][3:]: item.attrib["Value"] for item in group}
        for group in root.iter(f"{ODM}ItemGroupData")
    ]
    given = [{k: v for k, v in row.items() if v} for row in readings]
    assert sorted(found, key=lambda r: int(r["record"])) == given
    subjects = [one.attrib["SubjectKey"] for one in root.iter(f"{ODM}SubjectData")]
    assert len(subjects) == len(set(subjects)) == 16


def test_the_crate_names_every_file_with_its_hash(folder):
    graph = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    entities = {one["@id"]: one for one in graph}
    root = entities["./"]
    parts = {one["@id"] for one in root["hasPart"]}
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert parts == there - {"ro-crate-metadata.json"}
    for name in parts:
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        assert entities[name]["sha256"] == digest
    assert entities[root["license"]["@id"]]["name"] == "CC-BY-4.0"
    assert root["datePublished"] == "2026-03-01"


def test_psych_ds_describes_every_column_of_the_data(folder):
    about = json.loads((folder / "dataset_description.json").read_text())
    described = {one["name"] for one in about["variableMeasured"]}
    for path in (folder / "data").iterdir():
        assert re.fullmatch(r"([a-z]+-[A-Za-z0-9]+)(_[a-z]+-\w+)*_data\.csv", path.name)
        assert set(table(path)[0]) <= described


def test_the_same_study_gives_the_same_bytes(study, folder, tmp_path):
    write_deposit(study, tmp_path / "deposit", ABOUT)
    packed = (tmp_path / "deposit.zip").read_bytes()
    assert packed == folder.with_name("deposit.zip").read_bytes()


def test_a_folder_that_holds_something_is_left_alone(study, folder):
    before = folder.with_name("deposit.zip").read_bytes()
    with pytest.raises(OutputError, match=r"new folder, got .*deposit"):
        write_deposit(study, folder, ABOUT)
    assert folder.with_name("deposit.zip").read_bytes() == before


def test_the_command_says_what_it_wrote_and_that_no_licence_was_given(tmp_path, capsys):
    out = tmp_path / "d"
    assert (
        main(["deposit", str(reconstructed_responses_path()), "--out", str(out)]) == 0
    )
    said = capsys.readouterr().out
    digest = hashlib.sha256((tmp_path / "d.zip").read_bytes()).hexdigest()
    assert digest in said
    assert "No licence was given" in said
    assert "reconstructed from printed tables" in (out / "README.md").read_text()
    assert (
        main(["deposit", str(reconstructed_responses_path()), "--out", str(out)]) == 2
    )


def test_a_study_of_several_methods_has_no_script_of_two(tmp_path):
    study = analysis.read_arms(write_study(tmp_path / "in"))
    write_deposit(study, tmp_path / "d", ABOUT)
    assert not (tmp_path / "d" / "analysis").exists()
    assert "Rscript" not in (tmp_path / "d" / "README.md").read_text()


def test_ratings_that_cannot_be_made_are_left_out_with_the_reason(tmp_path):
    study = analysis.read_study(write_study(tmp_path / "in", rating="Q9"))
    write_deposit(study, tmp_path / "d", ABOUT)
    assert [p.name for p in (tmp_path / "d" / "data").iterdir()] == [
        "study-readings_data.csv"
    ]
    readme = (tmp_path / "d" / "README.md").read_text()
    assert "Ratings beside the truth are left out: rating must be a question" in readme
