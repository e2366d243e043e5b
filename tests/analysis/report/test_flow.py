import pytest

from analysis.report.flow import StudyFlow, flow_beside, flow_of
from analysis.responses.faults import ResponsesError


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
    with pytest.raises(ResponsesError, match=r"flow\.json"):
        flow_beside(tmp_path / "responses.csv")


def test_entries_of_another_form_are_left_alone():
    odd = {
        "readings": "many",
        "readers": [None, {"interval_days": "long"}],
        "deviations": 3,
        "grras": {"two": "x", "3": 5, "4": " Readers. ", "5": " "},
    }
    assert flow_of(odd) == StudyFlow(grras={4: "Readers."})
    assert flow_of({"grras": [1]}) == StudyFlow()
