"""Find and fill the fields of a page under AppTest."""

import json

from app.answering import Form
from tests.app.material import GOOD


def form_of(session, purpose="reading"):
    """The fields of the reading at hand."""
    token = session.progress().token
    return Form(session.study.questionnaire, token, purpose)


def answer(page, form, answers=GOOD):
    """Choose answers one by one, as a reader does."""
    for question, code in answers.items():
        page.radio(key=form.answer_key(question)).set_value(code).run()
    return page


def save(page, form):
    """Click on Save and next."""
    return page.button(key=f"save-{form.token}").click().run()


def words(page):
    """Everything that a page says."""
    kinds = (page.text, page.html, page.markdown, page.error, page.exception)
    shown = [
        getattr(e, "value", "") or getattr(e, "body", "") for k in kinds for e in k
    ]
    return "\n".join(str(text) for text in shown if "<style>" not in str(text))


def read_trial(session):
    """Answer all that is left of the trial."""
    while (reading := session.next_reading()) is not None:
        session.submit(reading.token, GOOD, {})


def handed_over(page):
    """What a component is asked to do with the browser's session."""
    found = [e.proto for e in page.get("bidi_component")]
    return [json.loads(p.json) for p in found if "act" in p.json]
