import pytest

from reader_study.formats.questionnaire import paper_questionnaire


@pytest.fixture(scope="session")
def questionnaire():
    return paper_questionnaire()


HEADER = "reader,case,method,Q1,Q2A,Q2B,Q2C,Q2D,Q3,Q4"
LINES = [
    "R1,c1,RAPID,1,1,1,1,1,2,4",
    "R1,c1,MAGIC,0,1,1,-1,1,3,4",
    "R1,c2,RAPID,1,1,1,1,1,,5",
    "R1,c2,MAGIC,1,1,1,1,1,1,5",
]


@pytest.fixture
def write(tmp_path):
    """Write responses.csv from lines, by default those of a small valid study."""

    def to_file(lines=LINES, header=HEADER, *, newline="\n", encoding="utf-8"):
        path = tmp_path / "responses.csv"
        text = newline.join([header, *lines]) + newline
        path.write_bytes(text.encode(encoding))
        return path

    return to_file
