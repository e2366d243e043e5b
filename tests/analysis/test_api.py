"""The front door: `import analysis`, and what a researcher does with it."""

import doctest
import importlib
import inspect
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.cli import main
from analysis.published import reconstructed_responses_path

COUNTS = [[104, 13], [14, 9]]
TABLE = analysis.ContingencyTable(COUNTS)
STATISTICS = [
    analysis.cohen_kappa,
    analysis.scott_pi,
    analysis.gwet_ac,
    analysis.brennan_prediger,
    analysis.maximum_kappa,
    analysis.percent_agreement,
    analysis.skew_indices,
    analysis.bangdiwala_b,
    analysis.bowker,
    analysis.stuart_maxwell,
    analysis.mcnemar,
]
READINGS = pd.DataFrame(
    {
        "reader": list("AAAABBBB"),
        "case": list("wxyz" * 2),
        "reference": [1, 1, 0, 0, 1, 1, 0, 0],
        "test": [1, 0, 0, 0, 1, 1, 0, 1],
    }
)
by_name = pytest.mark.parametrize("statistic", STATISTICS, ids=lambda s: s.__name__)


def ratings(counts):
    """Two columns of ratings, 1 to k, with these counts."""
    cells = np.argwhere(np.asarray(counts) >= 0)
    both = np.repeat(cells, np.ravel(counts), axis=0) + 1
    return pd.Series(both[:, 0]), pd.Series(both[:, 1])


def python(code):
    call = [sys.executable, "-c", code]
    return subprocess.run(call, capture_output=True, text=True, check=True)


# What is offered


def test_everything_offered_is_there_and_listed():
    assert len(analysis.__all__) == len(set(analysis.__all__)) > 40
    assert dir(analysis) == sorted(analysis.__all__)
    for name in analysis.__all__:
        assert getattr(analysis, name) is not None
    assert analysis.__version__[0].isdigit()


def test_an_unknown_name_says_which_package_was_asked():
    with pytest.raises(AttributeError, match=r"analysis/__init__.py.* 'cohens_kappa'"):
        _ = analysis.cohens_kappa


def test_importing_it_imports_nothing_heavy():
    shown = python("import analysis, sys; print(*sys.modules)").stdout.split()
    assert not {"numpy", "pandas", "scipy", "matplotlib", "pydantic"} & set(shown)


def test_importing_it_takes_less_than_a_tenth_of_a_second():
    code = (
        "import time; begun = time.process_time(); import analysis; "
        "print(time.process_time() - begun)"
    )
    assert min(float(python(code).stdout) for _ in range(3)) < 0.1


def test_subpackages_are_reached_through_it():
    code = "import analysis; print(analysis.agreement.cohen_kappa.__name__)"
    assert python(code).stdout == "cohen_kappa\n"


@pytest.mark.parametrize("name", [n for n in analysis.__all__ if n != "__version__"])
def test_examples_in_docstrings_hold(name):
    named = inspect.unwrap(getattr(analysis, name))
    module = importlib.import_module(named.__module__)
    for example in doctest.DocTestFinder(recurse=False).find(
        named, name, globs=dict(vars(module))
    ):
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        assert doctest.DocTestRunner(optionflags=flags).run(example).failed == 0


# One table, in every form


@by_name
def test_a_table_may_come_in_every_form(statistic):
    x, y = ratings(COUNTS)
    expected = statistic(TABLE)
    crosstab = pd.crosstab(x, y)
    for given in (COUNTS, tuple(map(tuple, COUNTS)), np.array(COUNTS), crosstab):
        assert statistic(given) == expected
    scale = [1, 2]
    assert statistic(x, y, categories=scale) == expected
    assert statistic(x.tolist(), y.to_numpy(), categories=scale) == expected
    assert statistic(COUNTS, categories=("yes", "no")).to_frame().shape[0] == 1


def test_columns_of_a_crosstab_are_put_in_the_order_of_its_rows():
    x, y = ratings([[5, 2, 1], [0, 4, 3], [1, 1, 6]])
    turned = pd.crosstab(x, y)[[3, 1, 2]]
    weighted = analysis.cohen_kappa(turned, weights="linear")
    assert weighted == analysis.cohen_kappa(
        [[5, 2, 1], [0, 4, 3], [1, 1, 6]], weights="linear"
    )


def test_a_crosstab_without_a_category_takes_the_scale():
    x, y = ratings([[5, 2, 0], [1, 4, 0], [1, 0, 0]])
    crosstab = pd.crosstab(x, y)
    with pytest.raises(ValueError, match="same categories, got 1, 2, 3 and 1, 2; cat"):
        analysis.cohen_kappa(crosstab)
    found = analysis.cohen_kappa(crosstab, categories=(1, 2, 3), weights="linear")
    whole = [[5, 2, 0], [1, 4, 0], [1, 0, 0]]
    assert found == analysis.cohen_kappa(whole, weights="linear")


def test_unweighted_kappa_of_columns_needs_no_scale_and_others_do():
    x, y = ratings(COUNTS)
    assert analysis.cohen_kappa(x, y) == analysis.cohen_kappa(COUNTS)
    assert analysis.cohen_kappa(["a"], ["a"]).n == 1
    for needs_it in (
        lambda: analysis.gwet_ac(x, y),
        lambda: analysis.bowker(x, y),
        lambda: analysis.cohen_kappa(x, y, weights="quadratic"),
    ):
        with pytest.raises(ValueError, match="categories= must name it"):
            needs_it()


def test_categorical_columns_bring_their_scale():
    x, y = (pd.Categorical(c, categories=[1, 2, 3]) for c in ratings(COUNTS))
    found = analysis.gwet_ac(pd.Series(x), pd.Series(y))
    assert found == analysis.gwet_ac([[104, 13, 0], [14, 9, 0], [0, 0, 0]])


def test_kappa_of_the_papers_first_question():
    interval = analysis.cohen_kappa(COUNTS).confidence_interval()
    assert interval.low == pytest.approx(0.081, abs=5e-4)
    assert interval.high == pytest.approx(0.489, abs=5e-4)


@by_name
@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("responses.csv", TypeError, "got str 'responses.csv'; a file is read by"),
        (5, TypeError, "must be counts .* got int 5"),
        (None, TypeError, "got NoneType None"),
        ({"a": 1}, TypeError, "got dict"),
        ([[1, 2, 3], [4, 5, 6]], ValueError, "square table .* got 2 x 3"),
        ([[1, 2], [3]], ValueError, "square table of whole numbers"),
        ([[1, -1], [2, 3]], ValueError, "whole numbers of 0 or more, got -1"),
        ([[1, 0.5], [2, 3]], ValueError, "whole numbers of 0 or more, got 0.5"),
        ([[1, float("nan")], [2, 3]], ValueError, "whole numbers .* got nan"),
        ([[1e300, 1], [1, 1]], ValueError, r"2\*\*53"),
        ([["1", "2"], ["3", "4"]], ValueError, "square table of whole numbers"),
        ([1, 2, 1], ValueError, "those of the other as a second argument"),
        (pd.Series([1, 2]), ValueError, "those of the other as a second argument"),
        (
            pd.crosstab(*ratings(COUNTS), margins=True),
            ValueError,
            "without its totals",
        ),
    ],
)
def test_what_is_no_table_is_refused(statistic, given, error, message):
    with pytest.raises(error, match=message):
        statistic(given)


@by_name
@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        (([1, 2], [1]), ValueError, "as long, got 2 and 1"),
        (([1, None], [1, 2]), ValueError, "none in row 2 of 2 of the reference"),
        (([1, 2], [1, float("nan")]), ValueError, "none in row 2 of 2 of the test"),
        (([1, 2], pd.array([1, pd.NA])), ValueError, "row 2 of 2 of the test"),
        (([1, 9], [1, 2]), ValueError, r"on the scale \(1, 2\), got 9"),
        ((COUNTS, COUNTS), TypeError, "one answer each, got list"),
        ((np.array(COUNTS), [1, 2]), ValueError, "one column, got 2 axes"),
        (([1, 2], 5), TypeError, "must be a column, got int 5"),
        (([1, 2], "linear"), TypeError, "all else must be named"),
        (([1, 2], [1, 2], "linear"), TypeError, "all else must be named"),
        (
            (pd.Series([1, 2]), pd.Series([1, 2], index=[1, 0])),
            ValueError,
            "the same index",
        ),
    ],
)
def test_what_are_no_two_columns_is_refused(statistic, columns, error, message):
    with pytest.raises(error, match=message):
        statistic(*columns, categories=[1, 2])


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="Weights must be None, 'linear' or"):
        analysis.cohen_kappa(COUNTS, weights=["linear"])
    with pytest.raises(TypeError, match="Categories must be a list, got str 'ab'"):
        analysis.cohen_kappa(COUNTS, categories="ab")
    with pytest.raises(ValueError, match="Expected 2 categories"):
        analysis.cohen_kappa(COUNTS, categories=[1, 2, 3])
    with pytest.raises(ValueError, match="The table has the categories"):
        analysis.cohen_kappa(TABLE, categories=["yes", "no"])


# Readers and cases


def test_clustered_statistics_take_a_frame():
    pairs = analysis.Pairs.from_labels(*(READINGS[c] for c in READINGS), [0, 1, 2])
    for function in (
        analysis.clustered_kappa,
        analysis.clustered_agreement,
        analysis.clustered_ac1,
    ):
        found = function(READINGS, weights="quadratic", categories=[0, 1, 2])
        expected = function(pairs, weights="quadratic")
        assert found.estimate == expected.estimate
        assert found.standard_error == expected.standard_error
    assert analysis.per_reader(READINGS)[0].reader == "A"
    assert set(analysis.leave_one_reader_out(READINGS)) == {"A", "B"}
    assert list(analysis.per_class(READINGS, {"w": "mild", "x": "mild"})) == ["mild"]


def test_unknown_columns_are_named():
    renamed = READINGS.rename(columns={"reader": "rater"})
    with pytest.raises(ValueError, match=r"columns reader, .* got others: rater, case"):
        analysis.clustered_kappa(renamed)
    with pytest.raises(TypeError, match=r"have the columns .* got str 'pairs.csv'"):
        analysis.clustered_kappa("pairs.csv")
    with pytest.raises(ValueError, match="categories= must name it"):
        analysis.clustered_ac1(READINGS)
    with pytest.raises(ValueError, match=r"on the scale \(0, 2\), got 1"):
        analysis.clustered_ac1(READINGS, categories=[0, 2])


# A study


@pytest.fixture(scope="module")
def study():
    return analysis.read_study(str(reconstructed_responses_path()))


def test_a_study_shows_itself_in_a_line_and_in_a_notebook(study):
    assert repr(study) == (
        "Study(reconstructed_responses.csv: RAPID and MAGIC, 7 readers, 20 cases, "
        "questions Q1, Q2A, Q2B, Q2C, Q2D, Q3, Q4)"
    )
    assert "80.71%" in study._repr_html_()


def test_table_one_has_a_row_for_each_question(study):
    frame = study.table_one()
    assert frame["Question"].tolist() == list(study.questions)
    assert frame.loc[5, "Pairs"] == "138"


def test_pairs_of_a_question_are_for_clustered_statistics(study):
    pairs = study.pairs("Q1")
    assert pairs.table.counts.tolist() == COUNTS
    assert repr(pairs) == "Pairs(140 pairs, 7 readers, 20 cases, categories 1, 0)"
    assert pairs.to_frame().columns.tolist() == ["reader", "case", "reference", "test"]
    again = analysis.clustered_kappa(pairs.to_frame())
    assert again.standard_error == analysis.clustered_kappa(pairs).standard_error
    with pytest.raises(ValueError, match=r"must be one of Q1, .* got 'Q9'"):
        study.pairs("Q9")


@pytest.mark.slow
def test_the_command_writes_what_the_study_writes(study, tmp_path, capsys):
    page = study.report(str(tmp_path / "python"))
    assert page == tmp_path / "python" / "report.html"
    assert page.is_file()
    out = tmp_path / "command"
    assert main(["report", str(study.path), "--out", str(out)]) == 0
    names = sorted(path.name for path in out.iterdir())
    assert names == sorted(path.name for path in page.parent.iterdir())
    for name in ("results.json", "table1.csv", "report.html"):
        assert (out / name).read_bytes() == (page.parent / name).read_bytes()


def test_a_study_takes_what_is_in_its_folder_and_what_is_named(tmp_path):
    folder = tmp_path / "unblinded"
    folder.mkdir()
    file = folder / "responses.csv"
    file.write_text("reader,case,method,noise\nA,1,real,low\nA,1,fake,high\n")
    asked = '{"questions": [{"id": "noise", "text": "Noise?", "scale": [%s]}]}'
    scale = '{"code": "low"}, {"code": "high"}'
    (folder / "questionnaire.json").write_text(asked % scale)
    methods = {"reference": "real", "test": "fake"}
    found = analysis.read_study(file, **methods)
    assert found.questions == ("noise",)
    (folder / "questionnaire.json").rename(tmp_path / "asked.json")
    with pytest.raises(analysis.FormatError, match=r"responses.csv line 1"):
        analysis.read_study(file, **methods)
    elsewhere = str(tmp_path / "asked.json")
    assert analysis.read_study(file, questionnaire=elsewhere, **methods).questions
    ninety = analysis.read_study(
        file, questionnaire=elsewhere, confidence_level=0.9, **methods
    )
    assert "Agreement [90% CI, readers and patients random]" in ninety.table_one()


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        (5, {}, TypeError, "path, a str or Path, got int 5"),
        (["a.csv"], {}, TypeError, "path, a str or Path, got list"),
        ("nowhere.csv", {}, FileNotFoundError, "nowhere.csv"),
        (RECONSTRUCTED := str(reconstructed_responses_path()), {"confidence_level": 95},
         ValueError, "between 0 and 1, got 95"),
        (RECONSTRUCTED, {"confidence_level": "95"}, TypeError, "must be a number"),
        (RECONSTRUCTED, {"incomplete": "drop"}, ValueError, "exclude or disagree"),
        (RECONSTRUCTED, {"questionnaire": 5}, TypeError, "A questionnaire must be"),
        (RECONSTRUCTED, {"reference": "MAGIC"}, ValueError, "must differ"),
    ],
)  # fmt: skip
def test_what_is_no_study_is_refused(given, options, error, message):
    with pytest.raises(error, match=message):
        analysis.read_study(given, **options)


def test_a_report_goes_to_a_folder(study, tmp_path):
    with pytest.raises(TypeError, match=r"folder of a report .* got int 5"):
        study.report(5)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file; the output needs a folder"):
        study.report(tmp_path / "file")


# Results as frames


def test_every_result_has_a_frame():
    size = analysis.StudySize(7, 20)
    test = analysis.PowerTest(0.35)
    assumptions = analysis.DesignAssumptions(kappa=0.6, null=0.4)
    grid = analysis.design_grid(
        assumptions, [analysis.DesignSize(3, 10)], repetitions=5, seed=1
    )
    results = [
        *(statistic(COUNTS) for statistic in STATISTICS),
        analysis.cohen_kappa(COUNTS).confidence_interval(),
        analysis.krippendorff_alpha(np.column_stack(ratings(COUNTS))),
        analysis.clustered_kappa(READINGS),
        analysis.clustered_kappa(READINGS, "pigeonhole"),
        *analysis.per_reader(READINGS),
        *analysis.power_overview([117, 23], [118, 22], size, test),
        size,
        test,
        assumptions,
        grid.results[0],
    ]
    for result in results:
        frame = result.to_frame()
        assert isinstance(frame, pd.DataFrame)
        assert len(frame) == 1
        assert "<table" in result._repr_html_()
    assert len(grid.to_frame()) == 3
    assert repr(grid) == (
        "DesignGrid(1 designs, measures kappa, agreement, non_inferiority)"
    )


def test_a_frame_holds_the_estimate_and_its_interval():
    kappa = analysis.cohen_kappa(COUNTS)
    frame = kappa.to_frame()
    assert frame.loc[0, "estimate"] == kappa.estimate
    assert frame.loc[0, "low"] == kappa.confidence_interval().low
    assert frame.columns[:4].tolist() == ["estimate", "standard_error", "low", "high"]
    table = TABLE.to_frame()
    assert table.to_numpy().tolist() == COUNTS
    assert analysis.cohen_kappa(table) == kappa


# Bad input


BAD = [
    None,
    "text",
    "nowhere.csv",
    -1.5,
    float("nan"),
    [],
    [[1, 2, 3], [4, 5, 6]],
    [[-1, 2], [3, 4]],
    {"a": 1},
    object(),
    pd.DataFrame({"a": [1, 2]}),
    np.zeros((2, 2, 2)),
]


def required(function):
    """Names of the parameters that must be given."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty and parameter.kind not in kinds
    ]


RATINGS = [number for number, bad in enumerate(BAD) if isinstance(bad, list) and bad]
CALLED = [
    name
    for name in analysis.__all__
    if inspect.isroutine(getattr(analysis, name))
    or name in {"Bootstrap", "ContingencyTable", "PowerTest", "StudySize"}
    or name in {"DesignSize", "DesignAssumptions", "KnownMargins"}
]


@pytest.mark.parametrize("name", CALLED)
@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_input_is_refused_in_a_sentence(name, number):
    function, bad = getattr(analysis, name), BAD[number]
    given = required(function) or list(inspect.signature(function).parameters)[:1]
    if not given:
        pytest.skip("takes nothing")
    of_ratings = {"intraclass_correlation", "krippendorff_alpha"}
    if name in of_ratings and number in RATINGS:
        pytest.skip("rows of numbers are ratings")
    with pytest.raises((ValueError, TypeError, OSError)) as refused:
        function(**dict.fromkeys(given, bad))
    message = str(refused.value)
    of_a_file = message.startswith(f"{bad}: ")  # as faults of a file begin
    if not isinstance(refused.value, OSError) and not of_a_file:
        assert message[0].isupper(), message
        assert "must" in message or "need" in message or "takes" in message, message


# The programs


def test_the_package_runs_like_the_command(capsys):
    call = [sys.executable, "-m", "analysis", "--version"]
    run = subprocess.run(call, capture_output=True, text=True, check=True)
    assert main(["--version"]) == 0
    assert (
        run.stdout
        == capsys.readouterr().out
        == (f"magic-analyze {analysis.__version__}\n")
    )


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("Usage: ")
    assert printed.err == ""
    listed = printed.out[printed.out.index("Commands:") :].split()
    assert listed[1] == "reproduce"
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == printed.out
