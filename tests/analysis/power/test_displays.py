"""Power of preference, choice and scores is that of the tests that a report makes."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest

from analysis.cli import main
from analysis.multireader.clusters import Clusters
from analysis.multireader.estimate import mean_of
from analysis.multireader.score import proportion_of
from analysis.power import displays
from analysis.power.design import DesignSize
from analysis.power.displays import DisplayAssumptions, display_power
from analysis.report.displays.front import PlannedDisplays
from analysis.report.displays.results import analyse_displays
from analysis.report.endpoints import answer_study
from reader_study.building.demo import write_template
from reader_study.formats.design import StudyDesign
from reader_study.formats.endpoint import Endpoint
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.questionnaire import Question, Questionnaire
from reader_study.formats.showing.shown import ShownReading, ShownReadings
from reader_study.rehearsal.bots import SimulationPlan
from reader_study.rehearsal.choosing import ChoosingBots

ARMS = ("real", "GAN", "flow", "late")
SIZE = DesignSize(4, 12)


@pytest.mark.parametrize(
    "true",
    [
        DisplayAssumptions(measure="preferred", true=0.6, arms=3),
        DisplayAssumptions(measure="preferred", true=0.99, arms=3, pictures=3),
        DisplayAssumptions(measure="found", true=0.97, arms=4, pictures=3),
        DisplayAssumptions(measure="shift", true=0.5, arms=3),
    ],
    ids=lambda true: f"{true.measure} {true.true}",
)
def test_studies_are_tested_as_the_report_tests_them(true):
    """Study by study, also where everybody answers alike."""
    reads = displays.who_reads(SIZE, each=8)
    drawn = true.draw(SIZE, 40, np.random.default_rng(2))[:, :, reads]
    reader, case = (np.repeat(x, drawn.shape[-1]) for x in np.nonzero(reads))
    values = drawn.reshape(*drawn.shape[:2], -1)
    found = displays._tested(values, Clusters(reader, case), true)

    of = mean_of if true.measure == "shift" else proportion_of
    by_report = [
        [of(one, reader, case).p_value(true.null) for one in study] for study in values
    ]
    assert found == pytest.approx(np.array(by_report), rel=1e-9)


def test_comparisons_share_their_error_by_holm(monkeypatch):
    p = np.array([[0.02, 0.04], [0.04, 0.03], [0.01, 0.2]])  # both, none, the first
    monkeypatch.setattr(displays, "_p_values", lambda *_: [p])
    true = DisplayAssumptions(measure="preferred", true=0.6, arms=3)
    found = displays.display_power(true, SIZE)
    assert (found.power, found.every) == pytest.approx((1 / 2, 1 / 3))


@pytest.mark.parametrize(
    ("measure", "arms", "m"),
    [("preferred", 3, 2), ("found", 4, 4), ("preferred", 3, 3)],
)
def test_what_is_true_is_what_is_drawn(measure, arms, m):
    alike = {"patient_correlation": 0.25, "reader_correlation": 0.15}
    true = DisplayAssumptions(measure=measure, true=0.7, arms=arms, pictures=m, **alike)
    drawn = true.draw(DesignSize(20, 20), 60, np.random.default_rng(5))
    assert drawn.mean() == pytest.approx(0.7, abs=0.012)
    by_case, by_reader = (
        drawn.mean(axis=(axis, 4)).var(axis=-1).mean() for axis in (2, 3)
    )
    # As alike as planned: without the reader's part of what is seen 0.008, without the
    # case's 0.012.
    assert 0.028 < by_case < 0.045
    assert 0.018 < by_reader < 0.035


def test_one_reader_alone_has_the_power_of_the_exact_test():
    true = DisplayAssumptions(measure="found", true=0.6, arms=3, pictures=3)
    rejected = [binomtest(x, 15, 1 / 3).pvalue < 0.05 for x in range(16)]
    chances = [
        np.prod(np.arange(15 - x + 1, 16) / np.arange(1, x + 1))
        * 0.6**x
        * 0.4 ** (15 - x)
        for x in range(16)
    ]
    wanted = float(np.dot(rejected, chances))
    assert displays.exact_power(true, 15) == pytest.approx(wanted)


def test_nothing_planted_is_rarely_claimed_and_more_is_found_with_more():
    def power(true, readers, cases):
        of = DisplayAssumptions(measure="found", true=true, pictures=2)
        return display_power(of, DesignSize(readers, cases), repetitions=400).power

    assert power(0.5, 6, 40) < 0.09
    assert power(0.65, 4, 20) < power(0.65, 8, 20) < power(0.75, 8, 40)


def drawn_study(bots, plan, size, rng):
    """A study of bots as a report reads it."""
    units = list(bots.design.units.values())
    shown = {
        f"{case}-{n}": (f"case-{case}", tuple(rng.permutation(list(unit)).tolist()))
        for case in range(size.cases)
        for n, unit in enumerate(units)
    }
    asked = Question("Q1", "?", type="which", pictures=bots.design.at_once)
    readings = [
        ShownReading(
            2, f"R{reader}", case, methods, {"Q1": (methods[orders[token][0] - 1],)}, {}
        )
        for reader, orders in enumerate(bots.draw(shown, size.readers, rng))
        for token, (case, methods) in shown.items()
    ]
    read = ShownReadings(readings, [], Questionnaire("T", "1", (asked,)))
    return PlannedDisplays(analyse_displays(read, plan, 0.95))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("display", "measure", "arms", "true"),
    [("choice", "found", 4, 0.45), ("side by side", "preferred", 3, 0.68)],
)
def test_whole_designs_are_shown_as_often_as_the_power_says(
    display, measure, arms, true
):
    """Bots choose, the report's own page in front decides, in 150 studies."""
    n, size = 150, DesignSize(5, 20)
    planted = {"correct" if measure == "found" else "preferred": true}
    simulation = SimulationPlan(within_case=0.3, within_reader=0.05, **planted)
    bots = ChoosingBots(StudyDesign(arms=ARMS[:arms], display=display), simulation)
    if measure == "preferred":  # both others alike, not one above the other
        step = bots.worths["GAN"]
        bots.__dict__["worths"] = {"real": 0.0, "GAN": step, "flow": step}
    plan = AnalysisPlan(
        reference="real",
        test="GAN",
        tests=ARMS[1:arms],
        display=display,
        primary=Endpoint(question="Q1", measure=measure, claim="differs"),
    )
    rng, shown = np.random.default_rng(8), []
    for _ in range(n):
        answered = answer_study(drawn_study(bots, plan, size, rng))
        shown.append([one.decision == "shown" for one in answered.primaries])
    m = bots.design.at_once
    said = DisplayAssumptions(measure=measure, true=true, arms=arms, pictures=m)
    power = display_power(said, size, repetitions=2_000)

    assert np.shape(shown) == (n, said.comparisons)
    assert 0.3 < power.power < 0.9  # so that either could be missed
    error = np.sqrt(power.power * (1 - power.power) / n)
    assert np.mean(shown) == pytest.approx(power.power, abs=3 * error)
    assert np.all(shown, axis=1).mean() == pytest.approx(power.every, abs=3 * error)


def test_power_of_a_protocol_is_that_of_its_primary_endpoint(tmp_path, capsys):
    write_template(tmp_path / "study.toml", "afc", demo=False)
    few = ["--cases", "8", "--repetitions", "50"]
    call = ["power", "--protocol", str(tmp_path / "study.toml"), *few]

    assert main([*call, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    asked, (size,) = found["asked"], found["designs"]
    assert (asked["measure"], asked["arms"], asked["pictures"]) == ("found", 4, 4)
    assert asked["alpha"] == pytest.approx(0.05)
    assert (size["readers"], size["cases"], size["displays_per_reader"]) == (4, 8, 8)
    assert main(call) == 0
    printed = capsys.readouterr().out
    assert "found in 75.0% of displays of 4 (guessing: 25.0%)" in printed
    assert "Fewest of these cases for 80% with 4 readers: 8" in printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--share 0.7", "--measure must be preferred, found, shift, got no --measure"),
        ("--measure found --share 2", "A true share must be between 0 and 1, got 2"),
        ("--measure found --kappa 0.4", "does not go with --kappa"),
        ("--measure found --difference 0.3", "found takes --share, got --difference"),
        ("--measure found --spread 2", "takes no --spread, which is of shift"),
        ("--measure found --pictures 4", "from 2 to the number of arms, 2, got 4"),
        ("--measure found --readers 1", "2 readers and 2 cases or more, got 1 readers"),
        ("--protocol study.toml --arms 3", "--protocol says --arms itself, got both"),
        ("--measure found --repetitions 0", "Repetitions must be 1 or more, got 0"),
        ("--measure shift --spread 0", "Spread must be above 0, got 0"),
    ],
)
def test_what_does_not_go_together_is_refused_in_a_sentence(words, said, capsys):
    assert main(["power", *words.split()]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_protocol_with_another_endpoint_says_where_its_power_is(tmp_path, capsys):
    write_template(tmp_path / "study.toml", "grading", demo=False)
    assert main(["power", "--protocol", str(tmp_path / "study.toml")]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "study.toml line 28: analysis.primary must claim that preferred, f" in error
    assert "magic-analyze power --design has that" in error
