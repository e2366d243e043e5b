"""What a reader types stays text on every page, in a real browser."""

import pytest

from tests.app.browser.driving import open_reading, press, see, settle
from tests.app.browser.hands import READING, Keyboard
from tests.app.material import GOOD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TYPED = (
    "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'> **bold** "
    "[link](http://elsewhere.example) $x^2$ :red[red] ![i](http://elsewhere.example/b)"
)


def test_script_and_markup_in_an_explanation_stay_text(server, signed_in):
    page = open_reading(signed_in, server)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    session = server.room.session_of("anna")
    press(page, "12")
    page.keyboard.insert_text(TYPED)
    press(page, ["Escape", *READING[2:]])
    settle(page)
    page.reload()
    see(page, "1 of 3")
    assert page.locator("textarea:visible").input_value() == TYPED
    press(page, ["Control+Enter"])
    see(page, "2 of 3")
    while (reading := session.next_reading()) is not None:
        session.submit(reading.token, GOOD | {"Q2A": 0}, {"Q2A": TYPED})
    page.reload()
    see(page, "Trial 1: your answers")
    cells = page.locator("td.why").all_inner_texts()
    assert cells == [f"Q2A: {TYPED}"] * 3
    page.get_by_role("button", name="Look at it again").click()
    see(page, "Why is it corrected?")
    assert page.locator("textarea:visible").input_value() == TYPED
    page.get_by_role("button", name="Back").click()
    Keyboard().sign(page, 1)
    see(page, "Trial 2 opens on")

    assert "Perfusion maps of <b>two</b> methods" in page.inner_text("dl.receipt")
    assert page.evaluate("window.ran") is None
    assert page.locator("td.why *, dl.receipt b, .bar b").count() == 0
    assert [url for url in asked if "127.0.0.1" not in url] == []
