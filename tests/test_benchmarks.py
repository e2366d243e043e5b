"""`make bench`: each script runs by itself, and one page says what they printed."""

import platform

from benchmarks import run_all
from benchmarks.listed import BENCHMARKS, Benchmark
from benchmarks.run_page import Run, here, page

NOT_RUN = {
    "blinding", "claims", "decisions", "demonstration", "lateness", "painted",
    "public_sample", "same_maps", "stack_scroll", "structure", "texture_ceiling",
}  # fmt: skip
PARTS = {
    "accuracy_studies", "app_browser", "app_study", "app_wire", "latent_studies",
    "perfusion_objects", "populations", "training_steps",
}  # fmt: skip
OWN = {"__init__", "listed", "run_all", "run_page"}


def fake(statement, **given):
    return Benchmark(
        "fake", "nothing", ("-n", "1", "-r", "1", statement), module="timeit", **given
    )


def test_every_script_is_run_or_named_as_not_run():
    scripts = {file.stem for file in run_all.ROOT.glob("benchmarks/*.py")}
    parts = {s for s in scripts if s.startswith("scale_")} | PARTS

    assert scripts - parts - OWN - NOT_RUN == {b.name for b in BENCHMARKS}


def test_a_run_keeps_what_was_printed():
    done = run_all.run(fake("print('fast')"))

    assert done.outcome == "done"
    assert "fast" in done.printed


def test_a_run_that_fails_says_so_and_ends_the_whole_with_status_1(
    monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(run_all, "BENCHMARKS", (fake("raise ValueError"),))

    assert run_all.main(["--out", str(tmp_path / "page.md")]) == 1
    assert "failed with status 1" in capsys.readouterr().out
    assert "ValueError" in (tmp_path / "page.md").read_text(encoding="utf-8")


def test_a_run_beyond_its_limit_is_stopped(monkeypatch):
    monkeypatch.setattr(run_all, "_GRACE", 1)  # where interrupts are ignored
    done = run_all.run(fake("import time; time.sleep(600)", minutes=0.01))

    assert done.outcome == "stopped after 0.01 minutes"


def test_one_alone_writes_no_page(monkeypatch, capsys):
    monkeypatch.setattr(run_all, "BENCHMARKS", (fake("pass"), fake("1")))
    monkeypatch.setattr(run_all, "PAGE", None)

    assert run_all.main(["--only", "fake"]) == 0
    assert "Written" not in capsys.readouterr().out


def test_neither_the_machine_nor_its_folders_are_named(monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: "room-12")
    done = run_all.run(fake(f"print('room-12 {run_all.ROOT}/x')"))

    assert "this machine ./x" in done.printed
    assert "room-12" not in str(here())


def test_the_page_says_what_was_left_out():
    done = Run(Benchmark("a", "b", uses=("Moonlight",)), "done", 1.4, "1.00 times")
    written = page([done], "2026-01-02", {"Moonlight": False})

    assert "| `a` | b | done | 1 | no Moonlight |" in written
    assert "1.00 times" in written
