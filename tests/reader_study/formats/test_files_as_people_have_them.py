"""responses.csv in the forms in which studies have it: read rightly, or refused."""

import io
import zipfile
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from reader_study.formats.arms import read_arms
from reader_study.formats.checking import FormatError
from reader_study.formats.questionnaire import Question, Questionnaire
from reader_study.formats.responses import read_responses

QUALITY = Question.of("quality", "How good is it?", (1, 2, 3), ("Good", "Fair", "Poor"))
REAL = Question.of("Q1", "Is it real?", (1, 0), ("Yes", "No"))
ASKED = Questionnaire("Two questions", "1", (QUALITY, REAL))

PLAIN = """\
reader,case,method,quality,Q1
Müller,c1,old,1,0
Müller,c1,new,2,1
Nguyen,c1,old,3,
Nguyen,c1,new,,1
"""
ANSWERS = [
    ("Müller", "c1", "old", {"quality": 1, "Q1": 0}),
    ("Müller", "c1", "new", {"quality": 2, "Q1": 1}),
    ("Nguyen", "c1", "old", {"quality": 3}),
    ("Nguyen", "c1", "new", {"Q1": 1}),
]


def read(path, asked=ASKED):
    return read_responses(path, asked, reference="old", test="new")


def as_text(text, encoding="utf-8", newline="\n"):
    return text.replace("\n", newline).encode(encoding)


def changed(*pairs):
    text = PLAIN
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


def as_workbook(text=PLAIN, *, names=("Sheet",), above=0):
    """Return a workbook: numbers as numbers, the table in the last sheet."""
    book = Workbook()
    book.active.title = names[0]
    for name in names[1:]:
        book[book.sheetnames[-1]]["A1"] = "notes of the coordinator"
        book.create_sheet(name)
    sheet = book[names[-1]]
    for _ in range(above):
        sheet.append([])
    for line in text.splitlines():
        cells = line.split(",")
        sheet.append([int(c) if c.isdigit() else c or None for c in cells])
    return saved(book)


def saved(book):
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


NOTHING_ASSUMED = ()
FORMS = {
    "as documented": (as_text(PLAIN), NOTHING_ASSUMED),
    "UTF-8 with a mark": (as_text(PLAIN, "utf-8-sig"), NOTHING_ASSUMED),
    "lines of Windows": (as_text(PLAIN, newline="\r\n"), NOTHING_ASSUMED),
    "lines of an old Macintosh": (as_text(PLAIN, newline="\r"), NOTHING_ASSUMED),
    "tabs": (as_text(PLAIN.replace(",", "\t")), NOTHING_ASSUMED),
    "semicolons, empty rows and columns": (
        as_text("\n" + PLAIN.replace(",", ";").replace("\n", ";;\n") + ";;;;;;\n;;;\n"),
        NOTHING_ASSUMED,
    ),
    "Excel says its separator": (
        as_text("sep=;\n" + PLAIN.replace(",", ";"), newline="\r\n"),
        NOTHING_ASSUMED,
    ),
    "all quoted, as R's write.csv with row names": (
        as_text(
            "\n".join(
                ",".join(f'"{cell}"' for cell in [number, *line.split(",")])
                for number, line in zip(["", 1, 2, 3, 4], PLAIN.split(), strict=True)
            )
        ),
        NOTHING_ASSUMED,
    ),
    "latin-1": (
        as_text(PLAIN, "latin-1"),
        ("the text is no UTF-8 and is read as Windows-1252: 'Müller' for one",),
    ),
    "Windows-1252": (
        as_text(changed(("Nguyen", "Nguyen"), ("c1", "c1")), "cp1252"),
        ("the text is no UTF-8 and is read as Windows-1252: 'Müller' for one",),
    ),
    "Excel's Unicode text": (
        as_text(PLAIN.replace(",", "\t"), "utf-16", "\r\n"),
        ("the text is read as UTF-16",),
    ),
    "UTF-16 without a mark": (
        as_text(PLAIN, "utf-16-le"),
        ("the text is read as UTF-16",),
    ),
    "UTF-16, big end first": (
        as_text("\ufeff" + PLAIN, "utf-16-be"),
        ("the text is read as UTF-16",),
    ),
    "a workbook": (as_workbook(), NOTHING_ASSUMED),
    "a workbook with empty rows above": (as_workbook(above=3), NOTHING_ASSUMED),
    "the sheet of a workbook that is named so": (
        as_workbook(names=("Notes", "Responses")),
        ("only the sheet 'Responses' is read",),
    ),
    "columns in capitals and with blanks": (
        as_text(
            changed(("reader,case,method,quality", "Reader, case ,METHOD,QUALITY "))
        ),
        (
            "columns are read by another spelling: 'Reader' as reader, "
            "'METHOD' as method, 'QUALITY' as quality",
        ),
    ),
    "questions by their text": (
        as_text(changed(("quality,Q1", "How good is it?, q 1"))),
        (
            "columns are read by another spelling: 'How good is it?' as quality, "
            "'q 1' as Q1",
        ),
    ),
    "methods in other letters": (
        as_text(changed(("old", "Old"), ("new", " NEW "))),
        ("methods are read by another spelling: 'Old' as old, 'NEW' as new",),
    ),
    "labels": (
        as_text(
            changed(
                ("old,1,0", "old,good,No"),
                ("new,2,1", "new, FAIR ,yes"),
                ("old,3,", "old,Poor,"),
                ("new,,1", "new,,YES"),
            )
        ),
        ("labels are read as the codes that the questionnaire gives: quality, Q1",),
    ),
    "NA": (
        as_text(changed(("old,3,\n", "old,3,NA\n"), ("new,,1", "new,n/a,1"))),
        ("2 cells read as empty: NA, n/a",),
    ),
    "NaN and a dot": (
        as_text(changed(("old,3,\n", "old,3,.\n"), ("new,,1", "new,NaN,1"))),
        ("2 cells read as empty: ., NaN",),
    ),
    "a dash": (
        as_text(changed(("new,,1", "new,-,1"))),
        ("1 cell read as empty: -",),
    ),
    "decimals": (
        as_text(changed(("old,1,0", "old,1.00,0.0"), ("old,3,", "old,3.000,"))),
        NOTHING_ASSUMED,
    ),
    "decimal commas": (
        as_text(
            changed((",", ";"), ("old;1;0", "old;1,0;0,00"), ("old;3;", "old;3,000;"))
        ),
        ("a comma is read as a decimal comma: 1,0, 0,00, 3,000",),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_read_rightly_and_said(form, tmp_path):
    content, assumed = FORMS[form]
    path = tmp_path / "responses.any"
    path.write_bytes(content)

    found = read(path)

    answers = [(r.reader, r.case, r.method, dict(r.answers)) for r in found.readings]
    assert answers == ANSWERS
    assert tuple(found.assumed) == assumed
    assert found.notes == []


def test_lines_are_those_of_the_file_and_rows_those_of_the_sheet(tmp_path):
    path = tmp_path / "x"
    for content, first in [
        (as_text(PLAIN), 2),
        (as_text("sep=,\n" + PLAIN), 3),
        (as_text("\n\n" + PLAIN, "utf-16"), 4),
        (as_workbook(above=3), 5),
    ]:
        path.write_bytes(content)
        assert [r.line for r in read(path).readings] == [*range(first, first + 4)]


def damaged(workbook):
    """Return a workbook whose compressed sheet has wrong bytes."""
    name = "xl/worksheets/sheet1.xml"
    start = zipfile.ZipFile(io.BytesIO(workbook)).getinfo(name).header_offset
    at = start + 30 + len(name)
    return workbook[:at] + b"\xff" * 8 + workbook[at + 8 :]


def test_numbers_dates_and_a_hidden_sheet_of_a_workbook(tmp_path):
    book = Workbook()
    sheet = book.active
    sheet.append(["reader", "case", "method", "quality", "Q1"])
    sheet.append(["A", 7, "old", 2.0, True])
    sheet.append(["A", date(2026, 2, 1), "new", 3, None])
    hidden = book.create_sheet("lists")
    hidden["A1"] = "old"
    hidden.sheet_state = "hidden"
    path = tmp_path / "responses.xlsx"
    path.write_bytes(saved(book))
    asked = Questionnaire(
        "", "", (QUALITY, Question.of("Q1", "?", (1, 0), ("TRUE", "FALSE")))
    )

    found = read(path, asked).readings
    assert [r.case for r in found] == ["7", "2026-02-01"]
    assert [dict(r.answers) for r in found] == [{"quality": 2, "Q1": 1}, {"quality": 3}]


def test_a_workbook_that_says_a_wrong_size_is_read_whole(tmp_path):
    whole = as_workbook()
    path = tmp_path / "responses.xlsx"
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, part.replace(b'ref="A1:E5"', b'ref="A1:B2"'))
    assert path.read_bytes() != whole
    assert len(read(path).readings) == 4


def test_a_whole_number_stored_with_decimals_is_the_same_name(tmp_path):
    whole = as_workbook(PLAIN.replace("c1", "77"))
    path = tmp_path / "responses.xlsx"
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, part.replace(b"<v>77</v>", b"<v>77.0</v>", 1))
    assert {r.case for r in read(path).readings} == {"77"}


def with_formula():
    book = Workbook()
    for line in PLAIN.splitlines():
        book.active.append(line.split(","))
    book.active["D3"] = "=1+1"
    return saved(book)


REFUSED = {
    "an .xls workbook": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
        "{path} is a workbook of Excel 97-2003 (.xls), or one with a password; save "
        "the table as .xlsx or CSV",
    ),
    "an .rds file": (
        b"\x1f\x8b\x08\x00" + bytes(50),
        "{path} is a compressed file, such as R's .rds; save the table as .xlsx or CSV",
    ),
    "a file of SPSS": (
        b"$FL2@(#) SPSS DATA FILE" + bytes(50),
        "{path} is a data file of SPSS; save the table as .xlsx or CSV",
    ),
    "a damaged workbook": (
        as_workbook()[:3000],
        "{path} is no Excel workbook that can be read; save the table as .xlsx or CSV",
    ),
    "a workbook with a wrong byte": (
        damaged(as_workbook()),
        "{path} is no Excel workbook that can be read; save the table as .xlsx or CSV",
    ),
    "several sheets": (
        as_workbook(names=("Trial 1", "Trial 2")),
        "{path} has 2 sheets with cells, Trial 1, Trial 2; name the one to be read "
        "'responses', or save it in a file of its own",
    ),
    "a formula that was never computed": (
        with_formula(),
        "{path}: cell D3 holds a formula without its value; open the workbook in Excel "
        "and save it",
    ),
    "an unknown encoding": (
        as_text(PLAIN).replace("ü".encode(), b"\x81"),
        "{path} line 2: must be text in UTF-8, UTF-16 or Windows-1252; save the table "
        'as "CSV UTF-8" or as .xlsx',
    ),
    "a column that stands twice but for capitals": (
        as_text(changed(("method", "Case"))),
        "2 faults:\n  {path} line 1: column method is missing\n"
        "  {path} line 1: column case stands twice",
    ),
    "a label that is none": (
        as_text(changed(("old,1,0", "old,excellent,0"))),
        "{path} line 2: quality must be one of 1, 2, 3 or empty, got 'excellent'",
    ),
    "a number with decimals that count": (
        as_text(changed(("old,1,0", "old,1.5,0"))),
        "{path} line 2: quality must be one of 1, 2, 3 or empty, got '1.5'",
    ),
    "a reader without a name": (
        as_text(changed(("Nguyen,c1,new", "-,c1,new"))),
        "{path} line 5: reader is empty",
    ),
    "nothing": (b"", "{path} is empty"),
    "a workbook with nothing": (as_workbook(""), "{path} is empty"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_a_form_is_refused_in_a_sentence_that_says_what_to_do(form, tmp_path):
    content, sentence = REFUSED[form]
    path = tmp_path / "responses.any"
    path.write_bytes(content)

    with pytest.raises(FormatError) as caught:
        read(path)
    assert str(caught.value) == sentence.replace("{path}", str(path))


def test_a_code_wins_over_a_label_and_both_over_a_word_for_nothing(tmp_path):
    asked = Questionnaire(
        "", "", (Question.of("Q1", "?", (1, 2, 3), ("2", "1", "NA")),)
    )
    path = tmp_path / "responses.csv"
    path.write_text("reader,case,method,Q1\nA,c,old,1\nA,c,new,na\n")
    assert [r.answers["Q1"] for r in read(path, asked).readings] == [1, 3]


def test_a_code_in_other_letters_wins_over_a_label(tmp_path):
    asked = Questionnaire("", "", (Question.of("Q1", "?", ("a", "b"), ("B", "A")),))
    path = tmp_path / "responses.csv"
    path.write_text("reader,case,method,Q1\nA,c,old,A\nA,c,new,b\n")
    found = read(path, asked)
    assert [r.answers["Q1"] for r in found.readings] == ["a", "b"]
    assert list(found.assumed) == ["codes are read without regard to case: Q1"]


def test_a_blank_may_stand_for_a_bar(tmp_path):
    asked = Questionnaire("", "", (Question.of("map_quality", "?", (1, 2)),))
    path = tmp_path / "responses.csv"
    path.write_text("reader,case,method,Map Quality\nA,c,old,1\nA,c,new,2\n")
    assert [r.answers["map_quality"] for r in read(path, asked).readings] == [1, 2]


def test_methods_that_may_be_one_are_named(tmp_path):
    path = tmp_path / "responses.csv"
    path.write_text("reader,case,method,quality,Q1\nA,c,CT 1,1,1\nA,c,ct1,2,1\n")
    assert list(read_arms(path, ASKED).assumed) == [
        "methods 'CT 1' (line 2) and 'ct1' (line 3) are taken as 2; if one, write them "
        "alike"
    ]


def test_a_label_of_two_codes_is_refused(tmp_path):
    asked = Questionnaire(
        "", "", (Question.of("Q1", "?", (1, 2, 3), ("Good", "good", "Bad")),)
    )
    path = tmp_path / "responses.csv"
    path.write_text("reader,case,method,Q1\nA,c,old,GOOD\nA,c,new,bad\n")
    with pytest.raises(FormatError, match="line 2: Q1 must be one of 1, 2, 3 or empty"):
        read(path, asked)


def test_a_thousand_is_no_decimal(tmp_path):
    asked = Questionnaire("", "", (Question.of("dose", "?", (1, 1000)),))
    path = tmp_path / "responses.csv"
    path.write_text('reader,case,method,dose\nA,c,old,"1,000"\nA,c,new,"1,0"\n')
    with pytest.raises(FormatError, match="line 2: dose must be one of 1, 1000"):
        read(path, asked)


def test_questions_that_differ_by_a_blank_are_told_apart(tmp_path):
    scale = (1, 0)
    asked = Questionnaire(
        "", "", (Question.of("Q1", "?", scale), Question.of("Q_1", "!", scale))
    )
    path = tmp_path / "responses.csv"
    path.write_text("reader,case,method,Q1,q_1\nA,c,old,1,0\nA,c,new,1,0\n")
    assert read(path, asked).readings[0].answers == {"Q1": 1, "Q_1": 0}
    path.write_text("reader,case,method,Q1,Q 1\nA,c,old,1,0\nA,c,new,1,0\n")
    with pytest.raises(FormatError, match="column Q_1 is missing"):
        read(path, asked)


def test_initials_na_are_a_reader(tmp_path):
    path = tmp_path / "responses.csv"
    path.write_text(changed(("Nguyen", "NA")), encoding="utf-8")
    assert read(path).readers == ["Müller", "NA"]


@pytest.mark.parametrize(
    ("first", "second", "twins"),
    [
        ("1", "001", True),
        ("P01", "p1", True),
        ("P 1", "P_01", True),
        ("A  b", "A b", True),
        ("1", "1.0", True),
        ("1-12", "11-2", False),
        ("1.5", "1.05", False),
        ("P1", "P10", False),
    ],
)
def test_names_that_may_be_one_are_named(first, second, twins, tmp_path):
    path = tmp_path / "responses.csv"
    rows = [
        f"A,{name},{method},1,1"
        for name in (first, second)
        for method in ("old", "new")
    ]
    path.write_text("\n".join(["reader,case,method,quality,Q1", *rows]))
    sentence = (
        f"cases {first!r} (line 2) and {second!r} (line 4) are taken as 2; if one, "
        "write them alike"
    )
    assert list(read(path).assumed) == [sentence] * twins


def test_many_names_that_may_be_one_are_cut_short(tmp_path):
    path = tmp_path / "responses.csv"
    names = [name for n in range(12) for name in (f"{n}", f"00{n}")]
    rows = [f"A,{name},{method},1,1" for name in names for method in ("old", "new")]
    path.write_text("\n".join(["reader,case,method,quality,Q1", *rows]))
    assumed = read(path).assumed
    assert len(assumed) == 11
    assert assumed[-1] == "2 more such names of cases"


# -- However a file is spelled, it says the same

SPELLED = {
    1: ["1", "1.0", "1.00", " 1", "+1", "1.", "Good", "good", "GOOD "],
    2: ["2", "2.000", "fair", " Fair"],
    3: ["3", "3.0", "pOOR"],
    None: ["", "NA", "n/a", "NaN", "-", ".", " ", "na", "N/A", "#N/A"],
}
COLUMN = {
    "reader": ["reader", "Reader", " READER "],
    "case": ["case", "Case", " case "],
    "method": ["method", "METHOD"],
    "quality": ["quality", "Quality", " QUALITY", "qual ity"],
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "xlsx"]
ONE = Questionnaire("", "", (QUALITY,))


@st.composite
def files(draw):
    """Draw a table of answers and the bytes of one spelling of it."""
    cells = [
        (r, c, m) for r in ("Zoë", "B") for c in ("1", "2") for m in ("old", "new")
    ]
    answers = [draw(st.sampled_from([*SPELLED])) for _ in cells]
    order = draw(st.permutations([*COLUMN]))
    delimiter = draw(st.sampled_from(",;\t"))
    quoted = '"{}"' if draw(st.booleans()) else "{}"
    comma = delimiter != "," or quoted != "{}"

    def spelled(answer):
        text = draw(st.sampled_from(SPELLED[answer]))
        return text.replace(".", ",") if comma and text[-1:] == "0" else text

    lines = [[draw(st.sampled_from(COLUMN[name])) for name in order]]
    for (reader, case, method), answer in zip(cells, answers, strict=True):
        found = {
            "reader": reader,
            "case": case,
            "method": draw(st.sampled_from([method, method.upper()])),
            "quality": spelled(answer),
        }
        lines.append([found[name] for name in order])
    encoding = draw(st.sampled_from(ENCODINGS))
    if encoding == "xlsx":
        book = Workbook()
        for line in lines:
            book.active.append(line)
        return answers, saved(book)
    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = newline.join(delimiter.join(map(quoted.format, line)) for line in lines)
    return answers, text.encode(encoding)


@given(files())
def test_however_it_is_spelled_it_says_the_same(tmp_path_factory, drawn):
    answers, content = drawn
    path = tmp_path_factory.mktemp("spelled") / "responses.csv"
    path.write_bytes(content)
    found = read(path, ONE).readings
    assert [r.answers.get("quality") for r in found] == answers
    assert [r.reader for r in found] == ["Zoë"] * 4 + ["B"] * 4
