"""Ratings beside the truth, from tables and from iMRMC's format."""

import openpyxl
import pytest

import analysis
from analysis.responses.ratings import read_ratings
from reader_study.formats.checking import FormatError

HEADER = "reader,case,modality,truth,rating\n"
TABLE = HEADER + "A,1,CT,1,4\nA,2,CT,0,2.5\nB,1,CT,1,\nB,2,CT,0,1\n"
NAMES = ("reader", "case", "modality")
COLUMNS = {
    "reader": ["A", "A", "B", "B"],
    "case": ["1", "2", "1", "2"],
    "modality": ["CT"] * 4,
    "truth": [1, 0, 1, 0],
    "rating": [4.0, 2.5, None, 1.0],
}
IMRMC = """A study of ours, "unfinished
N0: 1
n1:1
NR : 2
NM: 1
BEGIN DATA:
-1,1,0,1
truth, 2, truth, 0

A,1,CT,4
A,2,CT,2.5
B,1,CT,NA
B , 2, CT , 1
"""


def written(folder, text, name="ratings.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refused(path, **options):
    with pytest.raises(FormatError) as error:
        read_ratings(path, **options)
    return [fault.removeprefix(str(path)).strip() for fault in error.value.faults]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TABLE, ()),
        (
            "READER;Case ID; Method ;Truth;Score\n"
            "A;1;CT;yes;4\nA;2;CT;No;2,5\nB;1;CT;YES;n/a\nB;2;CT;no;1\n",
            (
                "columns are read by another name: 'READER' as reader, 'Case ID' as "
                "case, 'Method' as modality, 'Truth' as truth, 'Score' as rating",
                "1 cell read as empty: n/a",
                "a comma is read as a decimal comma: 2,5",
            ),
        ),
        (  # once a case, in one of its rows or in a row of its own
            HEADER + "A,1,CT,1,4\nA,2,CT,,2.5\nB,1,CT,,\nB,2,CT,,1\n,2,,0,\n",
            (),
        ),
        (  # a data frame of iMRMC
            "readerID,caseID,modalityID,score\nA,1,CT,4\nA,2,CT,2.5\nB,1,CT,\n"
            "B,2,CT,1\ntruth,1,truth,1\ntruth,2,truth,0\n",
            (
                "columns are read by another name: 'readerID' as reader, 'caseID' as "
                "case, 'modalityID' as modality, 'score' as rating",
            ),
        ),
    ],
)
def test_spellings_of_one_table(text, said, tmp_path):
    found = read_ratings(written(tmp_path, text))
    assert dict(found.columns) == COLUMNS
    assert found.assumed == said
    assert found.n_cases == (1, 1)


@pytest.mark.parametrize("name", ["ratings.imrmc", "ratings.txt"])
def test_the_format_of_imrmc(name, tmp_path):
    found = read_ratings(written(tmp_path, IMRMC, name))
    assert dict(found.columns) == COLUMNS
    assert (found.positive, found.negative) == (("1",), ("0",))
    assert found.assumed == ()


def test_a_workbook_and_another_encoding(tmp_path):
    book = openpyxl.Workbook()
    for line in TABLE.splitlines():
        book.active.append(line.split(","))
    book.save(tmp_path / "ratings.xlsx")
    assert dict(read_ratings(tmp_path / "ratings.xlsx").columns) == COLUMNS
    (tmp_path / "ratings.csv").write_bytes(TABLE.replace("A", "\xc4").encode("cp1252"))
    found = read_ratings(tmp_path / "ratings.csv")
    assert found.columns["reader"] == ["\xc4", "\xc4", "B", "B"]
    assert "Windows-1252" in found.assumed[0]


def test_a_column_of_answers_and_the_values_that_are_diseased(tmp_path):
    text = TABLE.replace("rating", "Q4").replace(",1,4", ",severe,4")
    text = text.replace("B,1,CT,1,", "B,1,CT, Severe,").replace(",0,", ",none,")
    path = written(tmp_path, text + "A,3,CT,mild,1\n")
    found = read_ratings(path, rating="Q4", truth_positive=["SEVERE"])
    assert (found.positive, found.negative) == (("severe",), ("none", "mild"))
    assert found.columns["truth"] == [1, 0, 1, 0, 0]
    assert found.n_cases == (1, 2)
    frame = analysis.read_ratings(path, rating="Q4", truth_positive=["severe"]).frame
    assert list(frame["truth"]) == [1, 0, 1, 0, 0]


@pytest.mark.parametrize("flag", ["Simulated", "reconstructed", "other"])
def test_ratings_of_no_reader_are_marked(flag, tmp_path):
    head, first, *rows = TABLE.splitlines()
    lines = [f"{head},{flag}", f"{first},true", *(f"{row},0" for row in rows)]
    found = read_ratings(written(tmp_path, "\n".join(lines)))
    assert found.provenance == ("study" if flag == "other" else flag.lower())


def test_names_that_may_be_one_are_told(tmp_path):
    path = written(tmp_path, TABLE + "a,1,ct,1,3\na,2,ct,0,3\n")
    assert read_ratings(path).assumed == (
        "readers 'A' (line 2) and 'a' (line 6) are taken as 2; if one, write them "
        "alike",
        "modalities 'CT' (line 2) and 'ct' (line 6) are taken as 2; if one, write them "
        "alike",
    )


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (
            HEADER + "A,1,CT,1,4\nA,2,CT,,2\nB,2,CT,,2\n",
            ["line 3: truth of case 2 is missing, in all its rows"],
        ),
        (
            HEADER + "A,1,CT,none,4\nA,2,CT,mild,2\nA,3,CT,severe,2\n",
            [
                ": truth has the values 'none', 'mild', 'severe'; --truth-positive "
                "must say which of them are diseased"
            ],
        ),
        (
            TABLE + "C,1,CT,0,2\nC,2,CT,0.0,2\n",
            ["line 6: truth of case 1 must be one value, got '0', and '1' on line 2"],
        ),
        (
            HEADER + "A,1,CT,1,4\nA,2,CT,0,low\nA,3,CT,0,high\n",
            ["line 3: a rating must be a number or empty, got 'low', and 1 more such"],
        ),
        (
            TABLE + "A,1,CT,1,3\n",
            ["line 6: reader A has rated case 1 under CT before, on line 2; each once"],
        ),
        (
            TABLE + ",3,CT,1,3\nA,,CT,1,3\nA,4,,1,3\n",
            [f"line {n}: {what} is empty" for n, what in enumerate(NAMES, 6)],
        ),
        (
            "reader,case,method,rating,rating\nA,1,CT,1,3\n",
            [
                "line 1: column rating stands twice; the header names reader, case, "
                "method, rating, rating"
            ],
        ),
        (
            "reader,case,rating\nA,1,CT\n",
            [
                "line 1: column modality or method is missing; the header names "
                "reader, case, rating"
            ],
        ),
        (
            "reader,case,method,rating\nA,1,CT,1\n",
            [
                "line 1: column truth is missing; the header names reader, case, "
                "method, rating"
            ],
        ),
        (TABLE + "A,3\n", ["line 6: has 2 cells, the header has 5"]),
        (HEADER, ["has a header but no ratings"]),
        (HEADER + ",1,,1,\n", ["holds no ratings"]),
        (HEADER + "A,1,CT,1,\nA,2,CT,0,NA\n", ["holds no ratings"]),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line(text, faults, tmp_path):
    assert refused(written(tmp_path, text)) == faults


def test_a_value_that_is_no_truth_is_not_diseased(tmp_path):
    path = written(tmp_path, TABLE)
    assert refused(path, truth_positive=["severe"]) == [
        ": --truth-positive must be of the truth, 1, 0; got severe"
    ]


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("BEGIN DATA:", "BEGIN:", ": a line BEGIN DATA: must stand above the ratings"),
        ("N0: 1", "N0: 2", "line 2: N0 must be the number of cases without disease"),
        (
            "n1:1",
            "n1:0",
            "line 3: N1 must be the number of cases with disease below, 1",
        ),
        ("NR : 2", "NR : x", "line 4: NR must be the number of readers below, 2, got"),
        ("NM: 1", "NM: 2", "line 5: NM must be the number of modalities below, 1, got"),
        ("A,1,CT,4", "A,1,4", "line 10: must be reader,case,modality,score, got"),
        ("-1,1,0,1", "-1,1,0,2", "line 7: truth of case 1 must be 0 or 1, got '2'"),
        ("-1,1,0,1\n", "", "line 3: N1 must be"),
        ("A,2,CT,2.5", "A,1,CT,2.5", "line 11: reader A has rated case 1 under CT"),
        ("A,2,CT,2.5", "A,2,CT,high", "line 11: a rating must be a number"),
    ],
)
def test_faults_of_a_file_of_imrmc(before, after, fault, tmp_path):
    assert before in IMRMC
    path = written(tmp_path, IMRMC.replace(before, after), "ratings.imrmc")
    assert refused(path)[0].startswith(fault)


def test_a_file_that_is_not_there(tmp_path):
    for name in ("ratings.csv", "ratings.imrmc"):
        assert refused(tmp_path / name) == [": No such file or directory"]
