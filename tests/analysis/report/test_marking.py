import pytest
from matplotlib.figure import Figure

from analysis.report.writing import stamp_provenance


@pytest.mark.parametrize("layout", ["constrained", None])
def test_simulated_data_are_named_in_the_figure(layout):
    figure = Figure(figsize=(4, 2), layout=layout)
    figure.subplots()
    texts = stamp_provenance(figure, "simulated").texts
    assert [text.get_text() for text in texts] == ["Simulated data"]


def test_a_strip_is_added_that_the_drawing_leaves_free():
    figure = Figure(figsize=(4, 2), layout="constrained")
    ax = figure.subplots()
    ax.set_xlabel("steps")
    stamp_provenance(figure, "reconstructed")
    figure.draw_without_rendering()
    assert figure.get_size_inches()[1] > 2
    below = ax.xaxis.get_tightbbox().y0
    assert below > figure.texts[0].get_window_extent().y1


def test_a_real_study_is_left_as_it_is():
    figure = Figure(figsize=(4, 2))
    assert not stamp_provenance(figure, "study").texts
