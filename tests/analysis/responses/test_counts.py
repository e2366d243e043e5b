import pytest

from analysis.responses import ResponsesError
from analysis.responses.counts import read_counts, read_reader_totals


@pytest.fixture
def read(tmp_path):
    def from_text(text, reader=read_counts, **options):
        path = tmp_path / "counts.csv"
        path.write_text(text)
        return reader(path, **options)

    return from_text


@pytest.mark.parametrize(
    ("text", "categories"),
    [
        ("1,2\n3,4\n", (1, 2)),
        ("Yes,No\n1,2\n3,4\n", ("Yes", "No")),
        (",Yes,No\nYes,1,2\nNo,3,4\n", ("Yes", "No")),
        ("RAPID,MAGIC: 1,MAGIC: 0\n1,1,2\n0,3,4\n", ("1", "0")),
        ("RAPID;MAGIC: 1;MAGIC: 0\r\n1;1.0;2\r\n0;3;4\r\n", ("1", "0")),
    ],
)
def test_tables_with_and_without_names(read, text, categories):
    table = read(text)
    assert table.counts.tolist() == [[1, 2], [3, 4]]
    assert table.categories == categories


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("1,-2\n3,4\n", "line 1: counts must be whole numbers of 0 or more, got '-2'"),
        ("1,2.5\n3,4\n", "got '2.5'"),
        ("a,b\n1,x\n3,4\n", "line 2: counts must be whole numbers of 0 or more"),
        ("1,2,3\n4,5,6\n", "at least 2 x 2, got 2 x 3"),
        ("1,2\n3\n", "line 2: has 1 counts, the first has 2"),
        (",a,b\nb,1,2\na,3,4\n", "columns must have the names of the rows"),
        ("a,a\n1,2\n3,4\n", "must all differ"),
        ("a,b\n", "at least 2 x 2"),
        ("a,b,c\n1,2,3\n4,5,6\n", "columns must have the names of the rows"),
    ],
)
def test_impossible_tables_are_refused(read, text, fault):
    with pytest.raises(ResponsesError, match=fault):
        read(text)


BOTH = "{0} is the sum of the others and is left out".format
PLAIN = [[10, 2], [3, 15]]


@pytest.mark.parametrize(
    ("text", "counts", "categories", "said"),
    [
        # pandas.crosstab(margins=True), R's addmargins, SPSS, Excel
        (
            "old,1,2,Total\n1,10,2,12\n2,3,15,18\nTotal,13,17,30\n",
            PLAIN,
            ("1", "2"),
            [BOTH("row 'Total'"), BOTH("column 'Total'")],
        ),
        (
            "old,1,2,All\n1,10,2,12\n2,3,15,18\nAll,13,17,30\n",
            PLAIN,
            ("1", "2"),
            [BOTH("row 'All'"), BOTH("column 'All'")],
        ),
        (
            ";1;2;\n1;10;2;12\n2;3;15;18\n;13;17;30\n",
            PLAIN,
            ("1", "2"),
            [BOTH("row 3"), BOTH("column 3")],
        ),
        (
            "10,2,12\n3,15,18\n13,17,30\n",
            PLAIN,
            (1, 2),
            [BOTH("row 3"), BOTH("column 3")],
        ),
        (
            "Ja,Nein,zusammen\n10,2,12\n3,15,18\n13,17,30\n",
            PLAIN,
            ("Ja", "Nein"),
            [BOTH("row 3"), BOTH("column 'zusammen'")],
        ),
        (
            "x,99,1,2\n99,30,13,17\n1,12,10,2\n2,18,3,15\n",
            PLAIN,
            ("1", "2"),
            [BOTH("row '99'"), BOTH("column '99'")],
        ),
        # One of the two
        (
            "old,1,2\n1,10,2\n2,3,15\nSum,13,17\n",
            PLAIN,
            ("1", "2"),
            [BOTH("row 'Sum'")],
        ),
        (
            "old,1,2,Total\n1,10,2,12\n2,3,15,18\n",
            PLAIN,
            ("1", "2"),
            [BOTH("column 'Total'")],
        ),
        ("10,2\n3,15\n13,17\n", PLAIN, (1, 2), [BOTH("row 3")]),
        ("10,2,12\n3,15,18\n", PLAIN, (1, 2), [BOTH("column 3")]),
        # An answer that one method never drew
        (
            ",mild,moderate\nmild,10,2\nmoderate,3,15\nsevere,1,0\n",
            [[10, 2, 0], [3, 15, 0], [1, 0, 0]],
            ("mild", "moderate", "severe"),
            ["column 'severe' is missing and is taken as zeros"],
        ),
        (
            ",mild,moderate,severe\nmild,10,2,1\nsevere,3,1,5\n",
            [[10, 2, 1], [0, 0, 0], [3, 1, 5]],
            ("mild", "moderate", "severe"),
            ["row 'moderate' is missing and is taken as zeros"],
        ),
        (
            ",mild,severe,Total\nmild,10,2,12\nmoderate,3,15,18\nsevere,1,0,1\nTotal,14,17,31\n",
            [[10, 0, 2], [3, 0, 15], [1, 0, 0]],
            ("mild", "moderate", "severe"),
            [
                BOTH("row 'Total'"),
                BOTH("column 'Total'"),
                "column 'moderate' is missing and is taken as zeros",
            ],
        ),
        # Sums by chance
        ("1,2,0\n0,1,3\n1,3,3\n", [[1, 2, 0], [0, 1, 3], [1, 3, 3]], (1, 2, 3), []),
        ("0,0\n0,0\n", [[0, 0], [0, 0]], (1, 2), []),
        ("5,0\n5,0\n", [[5, 0], [5, 0]], (1, 2), []),
        ("0,0,0\n0,0,0\n0,0,0\n", [[0, 0, 0]] * 3, (1, 2, 3), []),
        (
            ",a,b,c,Sum\na,1,2,0,3\nb,0,1,3,4\nc,1,3,3,7\n",
            [[1, 2, 0], [0, 1, 3], [1, 3, 3]],
            ("a", "b", "c"),
            [BOTH("column 'Sum'")],
        ),
        (
            ",a,b,c\na,1,0,1\nb,2,1,3\nc,0,3,3\nSum,3,4,7\n",
            [[1, 0, 1], [2, 1, 3], [0, 3, 3]],
            ("a", "b", "c"),
            [BOTH("row 'Sum'")],
        ),
        (
            ",a,b,Total\na,0,0,0\nb,0,7,7\nTotal,0,7,7\n",
            [[0, 0], [0, 7]],
            ("a", "b"),
            [BOTH("row 'Total'"), BOTH("column 'Total'")],
        ),
    ],
)
def test_totals_are_known_by_arithmetic(read, text, counts, categories, said):
    told = []
    table = read(text, said=told.append)
    assert table.counts.tolist() == counts
    assert table.categories == categories
    assert told == said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "old,1,2,Total\n1,10,2,12\n2,3,15,18\nTotal,13,19,30\n",
            "line 1: row 'Total' is not the sum of the others; leave it out",
        ),
        (
            "0,0,0\n0,7,7\n0,7,7\n",
            "line 1: a row and a column may be the sums of the others, or answers that "
            "only look so; leave the sums out, or name both Total",
        ),
        (
            ",mild,moderate\nmild,1,2\nmoderate,3,4\nsevere,4,6\n",
            "line 1: row 'severe' is the sum of the others; name it Total if it is "
            "one, else add column 'severe', with zeros if nobody chose it",
        ),
        (
            "3,7\n0,0\n3,7\n",
            "line 1: rows 1 and 3 may each be the sum of the others; leave it out",
        ),
        (
            ",a,b\na,1,2\nc,3,4\n",
            "line 1: columns must have the names of the rows in their order, a, c; "
            "got a, b",
        ),
        ("9223372036854775807,1\n1,1\n", "line 1: counts must be 2**53 or less, got"),
    ],
)
def test_what_may_be_a_total_or_an_answer_is_refused(read, text, sentence):
    with pytest.raises(ResponsesError) as caught:
        read(text)
    assert sentence in str(caught.value)


def test_counts_of_readers(read):
    text = "Reader,R: 1,R: 0,M: 1,M: 0\nA,3,1,2,2\nB,4,0,4,0\nSum,7,1,6,2\n"
    totals = read(text, read_reader_totals)
    assert totals.readers == ["A", "B"]
    assert totals.reference.tolist() == [[3, 1], [4, 0]]
    assert totals.test.tolist() == [[2, 2], [4, 0]]


def test_a_total_of_readers_is_left_out(read):
    text = "Reader,R: 1,R: 0,M: 1,M: 0\nA,3,1,2,2\nTotal,3,1,2,2\n"
    assert read(text, read_reader_totals).readers == ["A"]


def test_counts_of_readers_must_be_two_halves(read):
    with pytest.raises(ResponsesError, match="as many counts under each method, got 3"):
        read("Reader,1,0,1\nA,3,1,2\n", read_reader_totals)
