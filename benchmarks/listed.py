"""The benchmarks that `make bench` runs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Benchmark:
    """A script to run.

    Attributes:
        name: Module in `benchmarks`.
        times: What it times.
        arguments: For a run that fits into its limit.
        minutes: Limit of time.
        uses: What it also measures where that is there.
        module: To run; empty for the one of this name.
    """

    name: str
    times: str
    arguments: tuple[str, ...] = ()
    minutes: float = 10
    uses: tuple[str, ...] = ()
    module: str = ""

    @property
    def words(self) -> list[str]:
        """What follows `python` on a command line."""
        return ["-m", self.module or f"benchmarks.{self.name}", *self.arguments]


BENCHMARKS = (
    Benchmark("agreement", "kappa with its error, batches of tables", uses=("R",)),
    Benchmark("multireader", "clustered kappa, its bootstraps", uses=("R",)),
    Benchmark(
        "coverage", "how often intervals cover", ("--repetitions", "2000"), minutes=20
    ),
    Benchmark(
        "between_readers",
        "how often intervals of agreement between readers cover",
        ("--repetitions", "100"),
    ),
    Benchmark(
        "displays",
        "planted preferences and choices found again, and false claims",
        ("--studies", "40"),
    ),
    Benchmark(
        "overall",
        "false claims of one test of several methods, beside Cochran's Q",
        ("--studies", "40"),
    ),
    Benchmark(
        "templates",
        "what is planted in studies of each template found again, and false claims",
        ("--studies", "10"),
        minutes=20,
    ),
    Benchmark(
        "accuracy",
        "how often intervals of accuracy cover; how fast they are",
        ("--studies", "100"),
        uses=("R",),
    ),
    Benchmark(
        "accuracy_claims",
        "planted accuracy found again, non-inferiority claimed as often as power says",
        ("--studies", "40"),
    ),
    Benchmark(
        "accuracy_figures",
        "how often intervals of partial areas, LROC, FROC and likelihood ratios cover",
        ("--studies", "10"),
    ),
    Benchmark("commands", "whole commands of `magic-analyze`"),
    Benchmark("report_speed", "a report of 7 x 20 and of 100 x 500", minutes=15),
    Benchmark("data", "phantom, reading a CT series, slices"),
    Benchmark(
        "phantom_look",
        "how rough and how spread maps of phantoms are",
        ("--patients", "2"),
    ),
    Benchmark(
        "registration",
        "known motions undone, and results that are not trusted",
        ("--motions", "12", "--subset", "3"),
    ),
    Benchmark("patients_in", "a large head imported, brains found, slabs registered"),
    Benchmark("value_checks", "checks of values, on phantoms", minutes=10),
    Benchmark(
        "severity",
        "core and class found in maps, against what was planted",
        ("--patients", "20"),
    ),
    Benchmark("perfusion", "perfusion maps against known tissue; a slab"),
    Benchmark("perfusion_motion", "perfusion maps of a head that moves; large vessels"),
    Benchmark("perfusion_whole", "memory and time of a whole brain", minutes=30),
    Benchmark("model", "networks: inference, steps, memory", minutes=40),
    Benchmark("gpu", "the same on a GPU", uses=("GPU",)),
    Benchmark(
        "quality",
        "the default recipe of a CPU, trained for minutes, beside boosted trees",
        ("--recipes", "small", "--seeds", "1", "--epochs", "15", "--order"),
        minutes=30,
    ),
    Benchmark("pilo", "maps at another ratio"),
    Benchmark("pilo_balance", "what a ratio moves: anatomy against perfusion"),
    Benchmark("study_build", "building and opening a study"),
    Benchmark("study_submit", "many writers at once", uses=("PostgreSQL",)),
    Benchmark(
        "archive",
        "an archive on one and on two workers",
        ("--patients", "8"),
        minutes=20,
    ),
    Benchmark("scale", "a larger study", minutes=20, uses=("PostgreSQL",)),
    Benchmark("app", "the reading room", minutes=30, uses=("Chromium",)),
    Benchmark(
        "app_crowd",
        "500 readers, two processes of the room and one database",
        minutes=20,
        uses=("PostgreSQL",),
    ),
)
LEFT_TO_YOU = (
    "`benchmarks.quality` with other recipes and `benchmarks.public_sample` train "
    "networks for hours; "
    "`benchmarks.same_maps` trains one for a minute; "
    "`benchmarks.decisions` and `benchmarks.claims` draw 2,000 studies a cell for an "
    "hour; `benchmarks.demonstration` rehearses a study under fifty seeds, twice. "
    "`benchmarks.coverage` without `--repetitions` renews the table and picture of "
    "[readers and patients](method/multireader.md), `benchmarks.accuracy` without "
    "`--studies` the tables of [accuracy](method/accuracy.md)."
)
