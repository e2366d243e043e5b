import shutil

import pytest
from PIL import Image

from app import configuration
from app import room as rooms
from app.accounts import READER, sign_in_version
from app.answering import Form
from app.screens.training import feedback_html
from reader_study.building.training_set import TrainingCase, training_image
from reader_study.formats.questionnaire import paper_questionnaire
from reader_study.reading.acknowledgements import Confirmation, acknowledge
from reader_study.running.access import sign_in
from reader_study.store.readings import find_responses
from tests.app.answers import answer, words
from tests.app.material import GOOD, PROTOCOL, build

TABLE = """\
case,image,Q1,Q1_feedback,Q3,Q3_feedback
one,one.png,0,,1,Even on <b>both</b> sides.
two,two.png,,Either may be said.,,
"""


@pytest.fixture(scope="session")
def built_with_training(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    for n, name in enumerate(("one", "two")):
        Image.new("RGB", (64, 50), (10 * n, 20, 30)).save(folder / f"{name}.png")
    (folder / "training.csv").write_text(TABLE)
    protocol = PROTOCOL.replace('cases = "" ', 'cases = "training.csv" ')
    protocol = protocol.replace("skippable = false", "skippable = true")
    return build(folder, protocol, size=(64, 50))


@pytest.fixture
def room(built_with_training, tmp_path, clock, monkeypatch):
    folder = tmp_path / "STUDY"
    shutil.copytree(built_with_training, folder)
    monkeypatch.setenv(configuration.STUDY, str(folder))
    monkeypatch.delenv(configuration.DATABASE, raising=False)
    rooms.forget_rooms()
    room = rooms.served_room()
    yield room
    room.store.close()
    rooms.forget_rooms()


def fields_of(case):
    return Form(paper_questionnaire(), case.token, "training1")


def save_key(shown):
    return next(b.key for b in shown.button if b.key.startswith("save-"))


@pytest.mark.slow
def test_a_case_is_answered_compared_and_left(anna, open_room, page):
    first, second = open_room.study.training.cases
    shown = page()
    sent = [e.proto.bytes for e in shown.get("bidi_component") if e.proto.bytes]
    assert "Training: 1 of 2" in words(shown)
    assert "not part of the study" in words(shown)
    assert [radio.value for radio in shown.radio] == [None] * 7
    assert sent == [training_image(open_room.study.folder, first)]

    shown.button(key=save_key(shown)).click().run()
    assert "Please complete Q1, Q2A, Q2B, Q2C, Q2D, Q3 and Q4." in words(shown)
    answer(shown, fields_of(first)).button(key=save_key(shown)).click().run()
    for said in (words(shown), words(page())):  # also after a reload
        assert "Even on &lt;b&gt;both&lt;/b&gt; sides." in said
        assert "Compare your answers" in said
    shown.button(key=save_key(shown)).click().run()
    assert "Training: 2 of 2" in words(shown)
    answer(shown, fields_of(second)).button(key=save_key(shown)).click().run()
    assert "Begin trial 1" in [button.label for button in shown.button]
    shown.button(key=save_key(shown)).click().run()
    assert "Trial 1: 1 of 3" in words(shown)
    with open_room.store.reading() as connection:
        assert find_responses(connection) == ()


def test_the_rest_may_be_left_out_where_the_protocol_says_so(anna, page):
    shown = page()
    shown.button(key="skip-training").click().run()
    assert "Trial 1: 1 of 3" in words(shown)


def test_a_damaged_case_is_passed_over(anna, open_room, page):
    first, second = open_room.study.training.cases
    for case in (first, second):
        (open_room.study.folder / "training" / case.image).unlink()
    shown = page()
    assert "This picture cannot be shown" in words(shown)
    shown.button(key=f"go-on-{first.token}").click().run()
    shown.button(key=f"go-on-{second.token}").click().run()
    assert "Trial 1: 1 of 3" in words(shown)


@pytest.mark.slow
def test_another_tab_cannot_answer_the_case_again(anna, open_room, page):
    first, _ = open_room.study.training.cases
    shown, other = page(), page()
    for tab, code in ((shown, 1), (other, 0)):
        answer(tab, fields_of(first), GOOD | {"Q1": code})
    for tab in (shown, other):
        tab.button(key=save_key(tab)).click().run()
    given = open_room.session_of("anna").training.at_hand(1).given
    assert given.answers == GOOD
    assert "Compare your answers" in words(other)


@pytest.mark.slow
def test_training_comes_after_instructions_and_display(
    open_room, codes, cookies, clock, page
):
    secret = sign_in(open_room.store, "anna", codes["anna"], clock=clock).secret
    cookies[READER.cookie] = secret
    version = open_room.study.manifest.protocol_sha256
    assert "Instructions" in words(page())
    acknowledge(
        open_room.store, "anna", Confirmation.INSTRUCTIONS, version, clock=clock
    )
    assert "Your display" in words(page())
    shown = sign_in_version()
    acknowledge(open_room.store, "anna", Confirmation.DISPLAY, shown, clock=clock)
    assert "Training: 1 of 2" in words(page())


def test_feedback_shows_what_was_given_and_expected_as_text():
    case = TrainingCase("t", "00", 1, {"Q2A": -1}, {"Q2A": "<script>"})
    html = feedback_html(paper_questionnaire(), case, {"Q2A": 1, "Q4": 2})

    assert "<td>Q2A</td><td>Acceptable</td><td>Unacceptable</td>" in html
    assert "<td>Q4</td><td>Slightly confident</td><td>any</td>" in html
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
