"""Pairs with reader and case, from responses."""

from analysis.responses import Question, Questionnaire, Reading, Responses, pair_answers
from analysis.responses.pairing import paired_readings

Q1 = Question.of("Q1", "Real?", (1, 0), ("Yes", "No"))


def responses(*rows):
    """Make responses of rows reader, case, method, answer or None."""
    readings = [
        Reading(line, reader, case, method, {} if answer is None else {"Q1": answer})
        for line, (reader, case, method, answer) in enumerate(rows, 2)
    ]
    return Responses(readings, Questionnaire("", "", (Q1,)), "RAPID", "MAGIC")


def test_pairs_join_the_two_readings_of_a_case_and_leave_out_what_lacks_an_answer():
    given = responses(
        ("B", "x", "MAGIC", 0),
        ("A", "x", "RAPID", 1),
        ("B", "x", "RAPID", 1),
        ("A", "y", "RAPID", 0),
        ("A", "x", "MAGIC", 1),
        ("A", "y", "MAGIC", None),
        ("B", "y", "MAGIC", 1),
    )
    pairs = paired_readings(given, Q1)

    assert pairs.n == 2
    assert [pairs.readers[i] for i in pairs.reader] == ["A", "B"]
    assert pairs.cases == ("x",)
    assert pairs.categories == (1, 0)
    assert pairs.table == pair_answers(given, Q1).table


def test_no_complete_pair_gives_none():
    assert paired_readings(responses(("A", "x", "RAPID", 1)), Q1).n == 0
