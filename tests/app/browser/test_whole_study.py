"""A reader's whole way through a study, in a real browser."""

import pytest

from tests.app.browser.driving import see, stored
from tests.app.browser.hands import Keyboard, Mouse, Wire
from tests.app.material import GOOD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FORBIDDEN = (
    b"rapid", b"magic", b"acquired", b"generated", b"synthetic", b"patient-00",
    b"reference_image", b"mild_moderate",
)  # fmt: skip


@pytest.mark.parametrize("hands", [Keyboard(), Mouse()], ids=["keyboard", "mouse"])
def test_two_trials_to_the_signature(hands, two_trials, context):
    server, page = two_trials, context.new_page()
    wire = Wire(page)
    hands.enter(page, server, server.codes["anna"])
    hands.agree(page)
    hands.check_display(page)
    for trial in (1, 2):
        for position in (1, 2, 3):
            hands.read(page, position, because="motion 12" if position == 2 else "")
        hands.sign(page, trial)
    see(page, "your part in this study is done")

    responses = stored(server)
    assert [(r.trial, r.position) for r in responses] == [
        (trial, position) for trial in (1, 2) for position in (1, 2, 3)
    ]
    for response in responses:
        second = response.position == 2
        assert response.answers == (GOOD | {"Q2A": 0} if second else GOOD)
        assert dict(response.reasons) == ({"Q2A": "motion 12"} if second else {})
        assert 0 < response.active_seconds < 60
    assert len({response.token for response in responses}) == 6
    seen = b"\n".join(wire.bytes).lower()
    assert len(seen) > 6 * 900 * 700
    secret = [str(server.study).encode().lower()]
    assert [word for word in (*FORBIDDEN, *secret) if word in seen] == []
    assert wire.hosts == {"127.0.0.1"}
