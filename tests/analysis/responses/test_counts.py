import pytest

from analysis.responses import ResponsesError
from analysis.responses.counts import read_counts, read_reader_totals


@pytest.fixture
def read(tmp_path):
    def from_text(text, reader=read_counts):
        path = tmp_path / "counts.csv"
        path.write_text(text)
        return reader(path)

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


def test_counts_of_readers(read):
    text = "Reader,R: 1,R: 0,M: 1,M: 0\nA,3,1,2,2\nB,4,0,4,0\nSum,7,1,6,2\n"
    totals = read(text, read_reader_totals)
    assert totals.readers == ["A", "B"]
    assert totals.reference.tolist() == [[3, 1], [4, 0]]
    assert totals.test.tolist() == [[2, 2], [4, 0]]


def test_counts_of_readers_must_be_two_halves(read):
    with pytest.raises(ResponsesError, match="as many counts under each method, got 3"):
        read("Reader,1,0,1\nA,3,1,2\n", read_reader_totals)
