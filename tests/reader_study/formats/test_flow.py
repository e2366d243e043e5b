import pytest

from reader_study.formats.checking import FormatError
from reader_study.formats.flow import StudyFlow, flow_beside, read_flow


def test_no_file_is_an_empty_flow(tmp_path):
    assert flow_beside(tmp_path / "responses.csv") == StudyFlow()


def test_the_file_beside_the_responses_is_read(tmp_path):
    (tmp_path / "flow.json").write_text(
        '{"schema": 1, "readings": [{"trial": 1, "assigned": 3}], "deviations": []}'
    )
    flow = flow_beside(tmp_path / "responses.csv")
    assert flow.counts["1"]["assigned"] == 3
    assert flow.counts["1"]["analysed"] == 0
    assert flow.n_deviations == 0


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_what_is_no_json_object_is_refused(tmp_path, text):
    (tmp_path / "flow.json").write_text(text)
    with pytest.raises(FormatError, match=r"flow\.json"):
        flow_beside(tmp_path / "responses.csv")


def test_entries_of_another_form_are_named_with_their_lines(tmp_path):
    path = tmp_path / "flow.json"
    path.write_text(
        '{\n"readings": "many",\n"readers": [null, {"interval_days": "long"}],\n'
        '"deviations": 3,\n"grras": {"two": "x", "3": 5, "4": "Readers."}\n}'
    )
    with pytest.raises(FormatError) as caught:
        read_flow(path)
    assert [fault.removeprefix(f"{path} ") for fault in caught.value.faults] == [
        "line 2: readings must be a list, got 'many'",
        "line 3: readers[0] must be an object, got None",
        "line 3: readers[1].interval_days must be a number, got 'long'",
        "line 4: deviations must be a list, got 3",
        "line 5: grras.two.[key] must be a whole number, got 'two'",
        "line 5: grras.3 must be a text, got 5",
    ]


def test_what_is_written_is_read(tmp_path):
    flow = StudyFlow(grras={4: "Readers."}, closing_missing=("anna",))
    (tmp_path / "flow.json").write_text(flow.to_json())
    assert read_flow(tmp_path / "flow.json") == flow
