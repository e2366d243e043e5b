"""Leakage between trials, said in words."""

from dataclasses import replace

from tests.analysis.report.sections.test_turing import changed, section_of


def test_leakage_of_opposite_answers_is_named(responses):
    # In trial 2 the opposite of trial 1, whatever the method.
    said = {(r.reader, r.case): hash_of(r) for r in responses.readings if r.trial == 1}
    opposite = changed(
        responses,
        lambda r: replace(
            r, answers={"Q1": abs((r.trial - 1) - said[r.reader, r.case])}
        ),
    )
    made = section_of(opposite)
    assert made.content["trials"]["leakage"]["switched"] == 1
    assert any("140 pairs" in s and "100.0% got another" in s for s in made.findings)


def hash_of(reading):
    """An answer that differs between cases and readers."""
    return int(reading.case[-2:]) * 7 % 5 % 2 ^ int(reading.reader[1:]) % 3 % 2


def test_repeated_answers_are_no_leakage(responses):
    repeated = changed(responses, lambda r: replace(r, answers={"Q1": hash_of(r)}))
    made = section_of(repeated)
    assert made.content["trials"]["leakage"]["switched"] == 0
    assert any("0.0% got another answer" in s for s in made.findings)


def test_orders_of_each_readers_own_are_exchanged_within_readers(responses):
    def scattered(reading):
        case, reader = int(reading.case[-2:]), int(reading.reader[1:])
        first = (case**reader + case * reader // 3) % 2  # another pattern for each case
        of_test = reading.method == "MAGIC"
        return replace(reading, trial=1 + (first ^ of_test))

    few = [r for r in responses.readings if r.case in ("case-02", "case-03", "case-05")]
    made = section_of(changed(replace(responses, readings=few), scattered))
    assert made.content["trials"]["leakage"]["permute"] == "within_readers"
