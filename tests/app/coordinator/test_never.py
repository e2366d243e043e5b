"""What the monitor never shows, and how it shows what people have typed."""

import pytest

from reader_study.running.registry import Profile, add_reader
from tests.app.coordinator.planted import FORBIDDEN, plant
from tests.app.coordinator.serving import PARTS

MARKUP = "<script>alert(1)</script> **bold** $x$ :red[no] [l](http://x)"


def sent(page):
    """All bytes that a page sends to the browser, tables and components included."""
    return b"\n".join(block.proto.SerializeToString() for block in everything(page))


def everything(page):
    waiting, found = [page._tree], []
    while waiting:
        block = waiting.pop()
        if getattr(block, "proto", None) is not None:
            found.append(block)
        waiting += getattr(block, "children", {}).values()
    return found


@pytest.mark.slow
def test_no_answer_no_reason_no_method_and_no_case_is_sent(open_room, eve, monitor):
    plant(open_room)
    with open_room.store.reading() as connection:
        kept = "".join(
            repr(connection.exec_driver_sql(f"SELECT * FROM {name}").all())  # noqa: S608
            for name in ("responses", "drafts", "deviations", "readers")
        )
    for text in ("explanation", "correction", "refusal", "draft", "haste", "illness"):
        assert f"planted {text}" in kept

    tokens = [p.token.encode() for p in open_room.study.manifest.presentations]
    names = [
        p.pseudo_id.lower().encode() for p in open_room.study.manifest.presentations
    ]
    for part in PARTS:
        page = monitor(part)
        if part == PARTS[0]:
            page.button(key="check-now").click().run()
        seen = sent(page).lower()
        assert b"anna" in seen
        for word in (*FORBIDDEN, *tokens, *names):
            assert word not in seen, (part, word)


@pytest.mark.slow
def test_deviations_are_told_without_their_reasons(open_room, eve, monitor):
    plant(open_room)
    rows = monitor().dataframe[0].value.to_dict("records")

    assert [row["Deviation"] for row in rows] == ["Early start", "Reader replaced"]
    assert list(rows[0].values())[1:] == ["Early start", "ben", 2, "eve", "max"]
    (stands,) = [
        row["Stands"]
        for row in monitor("Progress").dataframe[0].value.to_dict("records")
        if (row["Reader"], row["Trial"]) == ("ben", 2)
    ]
    assert stands == "not begun, early start permitted"
    gone = monitor("Progress").dataframe[0].value.to_dict("records")[0]
    assert (gone["Reader"], gone["Stands"]) == ("anna", "takes no more part")
    assert gone["Corrected"] == 1


@pytest.mark.parametrize("part", PARTS)
def test_script_and_markup_stay_text(room, eve, clock, monitor, part):
    object.__setattr__(room.study.protocol, "title", MARKUP)
    bot = Profile("ada", MARKUP, 3, simulated=True)
    add_reader(room.study, room.store, bot, by="eve", clock=clock)
    page = monitor(part)

    shown = [html.proto.body for html in page.html]
    assert not any("<script" in body for body in shown)
    assert any("&lt;script&gt;alert(1)" in body for body in shown)
    assert not page.markdown
    if part == PARTS[2]:
        (row,) = page.dataframe[0].value.to_dict("records")
        assert row["Specialty"] == MARKUP
        columns = page.dataframe[0].proto.columns
        assert "link" not in columns
