"""Traps of Streamlit, each seen to cost answers, pixels or the blinding.

| Trap | What fails when its remedy is taken away |
|---|---|
| `st.image` re-encodes pictures | `browser/test_viewer.py`: pixels on the canvas |
| pictures over 1460 pixels are shrunk | the same: large pictures are not shrunk |
| a double click runs the handler twice | below; `browser/test_reading.py`: once |
| answers are carried over | below: not carried over; the same |
| place and draft lie in the session | below: reload, restart; `browser`: killed |
| a click without network comes late | `browser/test_connection.py`: silent line |
| a click is dropped after a restart | the same: the first save, signature |
| fields are dead without a connection | the same: a cut line is told |
| a session's id is a bearer secret | below; `deployment/test_attacks.py`: stolen id |
| `/media` is open and hashes contents | `test_reading_screen.py`: not to the store |
| a picture is known by its length | `browser/test_viewer.py`: files of one length |
| writers lock one another out | `reader_study/store/test_store.py`: wait |
| a run is given up in mid-write | `test_sources.py`: buttons act by callbacks |
| telemetry, addresses outside | `browser/test_whole_study.py`: hosts |
| toolbar and keys of Streamlit | `browser/test_reading.py`: no key; `test_cli.py` |
| no security headers, no TLS | `deployment/test_nginx.py` |
| a browser stays signed in for 30 days | `test_way_in.py`: idle hours, display check |
| cookies that scripts read | `test_session_route.py` |
| Ctrl+Enter toggles the focused answer | `browser/test_whole_study.py`: keyboard |
| keys pressed before a field has come | `browser/test_reading.py`: keys typed at once |
| a text is lost with its hidden field | the same: outlives a change of mind |
| caches are shared by all readers | `test_sources.py`: caches are not used |
| a hidden page is no protected page | `test_sources.py`; `coordinator/test_pages.py` |
| addresses carry secrets into logs | `test_sources.py`: nothing is in the address |
| fragments keep old arguments | `browser/test_reading.py`: a stale tab |
| what changes in one turn of a page runs a fragment alone | the same: a tapped save |
| a second click takes an answer back | `test_sources.py`: no segments, pills, stars |
| a title or an explanation is markup | `browser/test_markup.py` |
| a fault shows paths | `test_trouble.py`, `deployment/test_attacks.py` |
"""

import pytest

from app import room as rooms
from reader_study.store.readings import find_responses
from tests.app.answers import answer, form_of, save, words
from tests.app.material import GOOD


def stored(room):
    with room.store.reading() as connection:
        return find_responses(connection)


def test_answers_are_not_carried_over_to_the_next_reading(anna, page):
    shown = page()
    form = form_of(anna)
    save(answer(shown, form), form)

    assert form_of(anna).token != form.token
    assert [radio.value for radio in shown.radio] == [None] * 7
    assert anna.next_reading().draft.answers == {}


@pytest.mark.slow
def test_the_same_click_twice_is_stored_once(anna, open_room, page):
    first, second = page(), page()
    form = form_of(anna)
    for shown in (first, second):
        answer(shown, form)
    save(first, form)
    save(second, form)

    (response,) = stored(open_room)
    assert response.answers == GOOD
    receipts = {
        words(shown).split("receipt ")[1].split()[0] for shown in (first, second)
    }
    assert len(receipts) == 1
    assert [radio.value for radio in second.radio] == [None] * 7


@pytest.mark.slow
def test_a_stale_tab_is_told_and_shown_the_reading_at_hand(anna, open_room, page):
    first, stale = page(), page()
    form = form_of(anna)
    answer(first, form)
    answer(stale, form, GOOD | {"Q3": 4})
    save(first, form)
    save(stale, form)

    (response,) = stored(open_room)
    assert response.answers == GOOD
    assert "answered already, otherwise; nothing was stored" in words(stale)
    assert "2 of 3" in words(stale)
    assert [radio.value for radio in stale.radio] == [None] * 7


@pytest.mark.slow
def test_an_empty_stale_tab_is_not_asked_to_complete_what_is_answered(anna, page):
    first, stale = page(), page()
    form = form_of(anna)
    save(answer(first, form), form)
    save(stale, form)

    assert "Please complete" not in words(stale)
    assert "2 of 3" in words(stale)


@pytest.mark.slow
def test_an_answer_in_a_stale_tab_leads_to_the_reading_at_hand(anna, open_room, page):
    first, stale = page(), page()
    form = form_of(anna)
    save(answer(first, form), form)
    answer(stale, form, {"Q1": 0})

    assert stored(open_room)[0].answers == GOOD
    assert anna.next_reading().draft.answers == {}
    assert "2 of 3" in words(stale)


@pytest.mark.slow
def test_a_reload_finds_place_and_draft(anna, page):
    shown = page()
    form = form_of(anna)
    answer(shown, form, {"Q1": 1, "Q2A": 0})
    shown.text_area(key=form.reason_key("Q2A")).set_value("motion").run()
    again = page()

    assert "1 of 3" in words(again)
    assert again.radio(key=form.answer_key("Q1")).value == 1
    assert again.radio(key=form.answer_key("Q2A")).value == 0
    assert again.text_area(key=form.reason_key("Q2A")).value == "motion"


@pytest.mark.slow
def test_a_restarted_server_finds_place_and_draft(anna, page):
    shown = page()
    form = form_of(anna)
    save(answer(shown, form), form)
    answer(shown, form_of(anna), {"Q3": 3})
    rooms.served_room().store.close()
    rooms.forget_rooms()
    again = page()

    assert "2 of 3" in words(again)
    assert again.radio(key=form_of(anna).answer_key("Q3")).value == 3


def test_the_place_is_not_what_the_session_says(anna, page):
    shown = page()
    other = anna.study.manifest.orders("reader-1", 1)[2]
    shown.session_state["draft"] = (other, GOOD, {}, "")
    shown.session_state["correcting"] = 1
    shown.run()

    assert "1 of 3" in words(shown)
    assert shown.button(key=f"save-{anna.progress().token}")


def test_a_session_of_streamlit_without_the_cookie_is_worth_nothing(
    anna, cookies, page
):
    shown = page()
    form = form_of(anna)
    answer(shown, form)
    cookies.clear()
    save(shown, form)

    assert anna.progress().n_answered == 0
    assert [field.label for field in shown.text_input][:2] == ["Name", "Code"]
    assert not shown.get("bidi_component")
