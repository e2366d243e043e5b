import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.bangdiwala import bangdiwala_b
from analysis.charts import (
    agreement_chart,
    forest_plot,
    power_against_icc,
    power_against_pairs,
)
from analysis.charts.agreement_chart import _apart
from analysis.charts.forest import ForestRow
from analysis.intervals import ConfidenceInterval
from analysis.tables import ContingencyTable


@pytest.fixture
def ax():
    return Figure().subplots()


def rectangles(ax, kind):
    return [
        patch
        for patch in ax.patches
        if isinstance(patch, Rectangle) and (patch.get_gid() or "").startswith(kind)
    ]


def area(patches):
    return sum(patch.get_width() * patch.get_height() for patch in patches)


def test_the_shaded_share_of_the_chart_is_b(ax, q4):
    agreement_chart(q4, ax, method_names=("RAPID", "MAGIC"))
    share = area(rectangles(ax, "step-0")) / area(rectangles(ax, "total"))
    assert share == pytest.approx(bangdiwala_b(q4).estimate)


def test_rectangles_are_the_totals_along_the_diagonal(ax, q4):
    agreement_chart(q4, ax, method_names=("RAPID", "MAGIC"))
    outlines = rectangles(ax, "total")
    assert [patch.get_width() for patch in outlines] == q4.column_totals.tolist()
    assert [patch.get_height() for patch in outlines] == q4.row_totals.tolist()
    assert outlines[-1].get_x() + outlines[-1].get_width() == q4.n
    assert outlines[-1].get_y() + outlines[-1].get_height() == q4.n


def test_every_strip_lies_within_its_rectangle_and_holds_the_agreement(ax, q4):
    agreement_chart(q4, ax, method_names=("RAPID", "MAGIC"))
    for category, outline in enumerate(rectangles(ax, "total")):
        inner = None
        for step in range(4):
            name = f"step-{step}-category-{category}"
            (strip,) = rectangles(ax, name)
            assert outline.get_bbox().x0 <= strip.get_bbox().x0
            assert outline.get_bbox().x1 >= strip.get_bbox().x1
            assert outline.get_bbox().y0 <= strip.get_bbox().y0
            assert outline.get_bbox().y1 >= strip.get_bbox().y1
            if inner:
                assert strip.get_bbox().x0 <= inner.get_bbox().x0
                assert strip.get_bbox().y1 >= inner.get_bbox().y1
            inner = strip


def test_two_answers_have_no_partial_agreement(ax):
    table = ContingencyTable([[104, 13], [14, 9]], ("Yes", "No"))
    agreement_chart(table, ax, method_names=("RAPID", "MAGIC"))
    assert not rectangles(ax, "step-1")
    assert [label.get_text() for label in ax.get_xticklabels()] == [
        "Yes (118)",
        "No (22)",
    ]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("MAGIC", "RAPID")


def test_an_answer_nobody_gave_has_no_label(ax):
    table = ContingencyTable([[133, 7, 0], [0, 0, 0], [0, 0, 0]])
    agreement_chart(table, ax, method_names=("RAPID", "MAGIC"))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1 (140)"]


def test_an_empty_table_can_be_drawn(ax):
    table = ContingencyTable(np.zeros((3, 3)))
    agreement_chart(table, ax, method_names=("RAPID", "MAGIC"))
    assert area(rectangles(ax, "total")) == 0


def test_labels_are_moved_apart_and_stay_inside():
    moved = _apart(np.array([0.01, 0.02, 0.5, 0.98, 0.99]))
    assert np.diff(moved).min() >= 0.075 - 1e-12
    assert moved.max() <= 1
    assert moved[2] == 0.5


def test_a_forest_plot_shows_what_is_not_informative(ax):
    rows = [
        ForestRow("Q1", 0.3, ConfidenceInterval(0.1, 0.5)),
        ForestRow("Q2B", 0.0, ConfidenceInterval(0, 0, "constant")),
        ForestRow("Q9", math.nan, ConfidenceInterval(math.nan, math.nan, "no pairs")),
    ]
    forest_plot(rows, ax, xlabel="Kappa", reference=0)
    intervals = [line for line in ax.lines if (line.get_gid() or "").startswith("int")]
    assert [list(line.get_xdata()) for line in intervals] == [[0.1, 0.5]]
    assert [text.get_text() for text in ax.texts] == ["no interval", "undefined"]
    assert ax.get_ylim() == (2.5, -0.5)


def test_power_curves_are_drawn_through_their_values(ax):
    def power(n):
        return n / 200

    power_against_pairs({"Q1": power}, ax, n_pairs=[50, 100], marked={20: "twenty"})
    assert list(ax.lines[0].get_ydata()) == [0.25, 0.5]
    right = Figure().subplots()
    power_against_icc({"Q1": power}, right, readers=7, cases=20)
    assert right.lines[0].get_ydata()[0] == pytest.approx(140 / 200)
    assert right.lines[0].get_ydata()[-1] == pytest.approx(20 / 200)
