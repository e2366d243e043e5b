import pytest

from analysis.responses import ResponsesError, pair_answers, read_responses
from tests.analysis.responses.conftest import HEADER, LINES


def read(path, questionnaire, **methods):
    names = {"reference": "RAPID", "test": "MAGIC"} | methods
    return read_responses(path, questionnaire, **names)


def faults_of(path, questionnaire):
    with pytest.raises(ResponsesError) as caught:
        read(path, questionnaire)
    return [fault.replace(f"{path} ", "") for fault in caught.value.faults]


def test_a_study_is_read(write, questionnaire):
    responses = read(write(), questionnaire)
    assert len(responses.readings) == 4
    assert responses.readings[1].answers["Q2C"] == -1
    assert "Q3" not in responses.readings[2].answers
    assert responses.readers == ["R1"]
    assert not responses.simulated
    assert not responses.reconstructed


@pytest.mark.parametrize(
    "saved",
    [
        {"newline": "\r\n"},
        {"newline": "\r"},
        {"encoding": "utf-8-sig"},
        {"newline": "\r\n", "encoding": "utf-8-sig"},
    ],
)
def test_what_spreadsheets_do_to_a_file_changes_nothing(write, questionnaire, saved):
    path = write(**saved)
    plain = [line.split(",") for line in LINES]
    found = read(path, questionnaire).readings
    assert [(r.reader, r.case, r.method) for r in found] == [
        tuple(cells[:3]) for cells in plain
    ]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_semicolons_and_tabs_are_understood(write, questionnaire, delimiter):
    path = write(
        [line.replace(",", delimiter) for line in LINES], HEADER.replace(",", delimiter)
    )
    assert len(read(path, questionnaire).readings) == 4


def test_numbers_that_a_spreadsheet_made_decimal_are_understood(write, questionnaire):
    path = write([LINES[0].replace(",2,4", ",2.0,4.0"), LINES[1]])
    assert read(path, questionnaire).readings[0].answers["Q3"] == 2


def test_columns_in_any_order_and_further_columns_are_fine(write, questionnaire):
    header = "note," + ",".join(reversed(HEADER.split(",")))
    lines = ["x," + ",".join(reversed(line.split(","))) for line in LINES]
    assert read(write(lines, header), questionnaire).readings[1].answers["Q3"] == 3


def test_lines_are_counted_across_quoted_line_breaks(write, questionnaire):
    header = HEADER + ",Q2A_reason"
    lines = [
        LINES[0] + ',"two\nlines"',
        LINES[1] + ",",
        "R1,c2,RAPID,7,1,1,1,1,2,4,",
    ]
    assert faults_of(write(lines, header), questionnaire) == [
        "line 5: Q1 must be one of 1, 0 or empty, got '7'"
    ]


def test_all_faults_are_named_at_once_with_their_lines(write, questionnaire):
    lines = [
        "R1,c1,RAPID,1,1,1,1,1,2,4",
        "R1,c1,RAPID,1,1,1,1,1,2,4",
        "R1,c1,REAL,1,1,1,1,1,2,4",
        ",c1,MAGIC,1,5,1,1,1,2,yes",
        "R1,c1,MAGIC,1,1",
    ]
    assert faults_of(write(lines), questionnaire) == [
        "line 3: reader R1 has read case c1 under RAPID before, on line 2; if it was "
        "read again on purpose, a column repeat must say which reading this is (1, 2)",
        "line 4: method must be RAPID or MAGIC, got 'REAL'",
        "line 5: Q2A must be one of 1, 0, -1 or empty, got '5'",
        "line 5: Q4 must be one of 1, 2, 3, 4, 5 or empty, got 'yes'",
        "line 5: reader is empty",
        "line 6: has 5 cells, the header has 10",
    ]


def test_many_faults_are_cut_short_in_the_message_only():
    error = ResponsesError([f"fault {n}" for n in range(40)])
    assert len(error.faults) == 40
    assert str(error).splitlines()[0] == "40 faults:"
    assert str(error).splitlines()[-1] == "  and 15 more"


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        (HEADER.replace("Q4", "Q5"), "line 1: column Q4 is missing"),
        (HEADER.replace("Q4", "Q5"), "line 1: column Q5 is not a question"),
        (HEADER.replace("Q4", "Q1"), "line 1: column Q1 stands twice"),
        (HEADER.replace("reader", "rater"), "line 1: column reader is missing"),
        ("1,2,3,4,5,6,7,8,9,10", "line 1: a header is missing; it must name reader"),
        (HEADER.replace("Q4", "Q9_reason"), "column Q9_reason is not a question"),
    ],
)
def test_wrong_headers_are_named(write, questionnaire, header, fault):
    found = faults_of(write(header=header), questionnaire)
    assert any(fault in one for one in found)


def test_files_that_are_no_csv_are_refused(write, questionnaire, tmp_path):
    path = write()
    path.write_bytes(HEADER.encode() + b"\nR\x81,c,RAPID,1,1,1,1,1,1,1\n")
    assert faults_of(path, questionnaire) == [
        "line 2: must be text in UTF-8, UTF-16 or Windows-1252; "
        'save the table as "CSV UTF-8" or as .xlsx'
    ]
    path.write_bytes(b"")
    assert "is empty" in faults_of(path, questionnaire)[0]
    path.write_text(HEADER + "\n\n")
    assert "no readings" in faults_of(path, questionnaire)[0]
    path.write_text(HEADER + '\n"R1,c1\n')
    assert "line 2: not a CSV record" in faults_of(path, questionnaire)[0]
    path.write_bytes(HEADER.encode() + b"\nR\x001\n")
    assert "NUL" in faults_of(path, questionnaire)[0]


def test_both_methods_must_differ(write, questionnaire):
    with pytest.raises(ResponsesError, match="must differ, both are RAPID"):
        read(write(), questionnaire, test="RAPID")


def test_incomplete_readings_are_noted_and_go_on(write, questionnaire):
    responses = read(write([*LINES, "R2,c1,RAPID,1,0,1,1,1,2,4"]), questionnaire)
    assert responses.notes == [
        "line 6: Q2A is Indeterminate without a reason",
        "line 6: reader R2 has not read case c1 under MAGIC",
    ]


def test_a_reason_settles_indeterminate(write, questionnaire):
    lines = [LINES[0] + ",", LINES[1].replace(",-1,", ",0,") + ",streaks"]
    responses = read(write(lines, HEADER + ",Q2C_reason"), questionnaire)
    assert not responses.notes
    assert responses.readings[1].reasons == {"Q2C": "streaks"}


def test_rehearsals_are_marked(write, questionnaire):
    lines = [line + ",1" for line in LINES]
    assert read(write(lines, HEADER + ",simulated"), questionnaire).simulated


def test_pairs_are_complete_single_or_missing(write, questionnaire):
    lines = [
        *LINES,
        "R2,c1,RAPID,1,1,1,1,1,4,4",  # no partner
        "R3,c1,RAPID,1,1,1,1,1,,4",
        "R3,c1,MAGIC,1,1,1,1,1,,4",
    ]
    responses = read(write(lines), questionnaire)
    q3 = pair_answers(responses, questionnaire.questions[5])
    assert q3.table.counts.sum() == 1
    assert q3.table.counts[1, 2] == 1
    assert (q3.n_one_answer, q3.n_no_answer, q3.n_incomplete) == (2, 1, 3)
    assert q3.by_reader["RAPID"].tolist() == [[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert q3.by_reader["MAGIC"].tolist() == [[1, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_columns_of_ones_own_are_kept_for_subgroups(write, questionnaire):
    lines = [f"{line}, A ,,3" for line in LINES]
    path = write(lines, HEADER + ",Site,scanner,seconds")
    for reading in read(path, questionnaire).readings:
        assert reading.columns == {"Site": "A"}
        assert (reading.column("site "), reading.column("scanner")) == ("A", None)
        assert reading.column("Severity") is None


def test_trial_position_and_severity_are_read_where_given(write, questionnaire):
    header = HEADER + ",trial,position,severity"
    ends = [",1,3,severe", ",2.0,1,", ",,,none", ",2,20,none"]
    lines = [line + end for line, end in zip(LINES, ends, strict=True)]
    readings = read(write(lines, header), questionnaire).readings
    found = [(r.trial, r.position, r.severity) for r in readings]
    assert found == [
        (1, 3, "severe"),
        (2, 1, None),
        (None, None, "none"),
        (2, 20, "none"),
    ]
    plain = read(write(), questionnaire).readings[0]
    assert (plain.trial, plain.position, plain.severity) == (None, None, None)


def test_trials_must_be_whole_numbers(write, questionnaire):
    lines = [f"{line},first,0" for line in LINES[:2]]
    found = faults_of(write(lines, HEADER + ",trial,position"), questionnaire)
    assert found[:2] == [
        "line 2: position must be a whole number of 1 or more or empty, got '0'",
        "line 2: trial must be a whole number of 1 or more or empty, got 'first'",
    ]
