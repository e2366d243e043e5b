"""What Streamlit does with components when one call overtakes another."""

import json

import pytest

from app.components import STACK, VIEWER, asset

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

WORDS = dict.fromkeys(("point", "box", "undo", "nothing", "mark", "remove"), "{number}")
MARKS = {
    "label": "Lesions", "kept": None, "words": WORDS, "shapes": ["point"], "labels": [],
    "confidence": False, "at_most": 3,
}  # fmt: skip
PANELS = [f"../pilo/canvas/{name}.js" for name in ("message", "saving", "panels")]
ANSWERS_A_RESIZE = """new Promise((answer) => {
  host.querySelector("p").textContent = "";
  window.dispatchEvent(new Event("resize"));
  setTimeout(() => answer(host.querySelector("p").textContent), 600);
})"""
PARTS = {
    "desk": (("desk.js",), "", {"key": "desk-a", "asked_if": {}},
             "document.body.dataset.desk"),
    "keeper": (("keeper.js",), "<p class=notice></p>", {"act": "keep", "idle": 9e9},
               "host.leave"),
    "marks": (("marks.js",), asset("marks.html"), MARKS,
              "host.querySelector('.marks').close"),
    "panels": (PANELS, asset("../pilo/canvas/panels.html"), {},
               "host.querySelector('.panels').panels"),
    "display": (("display.js",),
                "<div class=ramp></div><div class=corners></div><p></p>", {},
                ANSWERS_A_RESIZE),
    "viewer": (VIEWER[1:], asset("viewer.html"), {"ahead": "none"},
               "host.querySelector('.viewer').viewer"),
    "stack": (STACK[1:], asset("stack.html"), {"ahead": "none", "token": "t"},
              "host.querySelector('.viewer').viewer"),
}  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_a_call_that_was_overtaken_ends_nothing(context, part):
    """The first call's end comes after the second call, as when its script was late."""
    scripts, html, data, alive = PARTS[part]
    page = context.new_page()
    script = asset("ending.js", *scripts).replace(
        "export default function", "window.component = function"
    )
    whole = f"<!doctype html><body><div id=host>{html}</div><script>{script}</script>"
    page.route(
        "**/*", lambda route: route.fulfill(body=whole, content_type="text/html")
    )
    page.goto("http://127.0.0.1/")  # no page without an address has a storage
    page.evaluate(
        f"""() => {{
          const given = {{ data: {json.dumps(data)}, parentElement: host,
                           setStateValue() {{}} }};
          window.ends = [window.component(given), window.component(given)];
        }}"""
    )

    def lives():
        return page.evaluate(f"(async () => Boolean(await ({alive})))()")

    assert lives()
    page.evaluate("window.ends[0]()")
    assert lives()
    page.evaluate("window.ends[1]()")
    assert not lives()
    page.close()
