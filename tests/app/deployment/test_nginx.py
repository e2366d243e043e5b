"""The shipped nginx configuration before two processes, with TLS."""

import json
import ssl
import urllib.error
import urllib.request

import pytest

from app.accounts import READER
from reader_study.running.access import sign_in
from tests.app.deployment.fronting import HOST, Front, trusting
from tests.app.deployment.running import choose, choose_good, chosen, see
from tests.app.material import GOOD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SERVED = (
    "/", "/_stcore/health", "/_stcore/host-config", "/favicon.png", "/connection.js",
)  # fmt: skip
NOT_SERVED = (
    "/_stcore/metrics", "/_stcore/agent/openapi.json", "/_stcore/agent/interact",
    "/_stcore/upload_file/a/b", "/_stcore/script-health-check", "/media/a.png",
    "/component/a/b", "/app/static/a", "/_stcore/bidi-components/a", "/auth/login",
    "/oauth2callback", "/anything", "/index.html", "/_stcore//metrics",
    "/_stcore/%6detrics", "/static/../_stcore/metrics", "/static/..%2f_stcore/metrics",
)  # fmt: skip
HEADERS = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture
def front(tmp_path, processes):
    folder = tmp_path / "nginx"
    folder.mkdir()
    front = Front(folder, [process.port for process in processes])
    for process in processes:
        process.stop()
        process.command += ["--allowed-host", HOST]
        process.start()
    for process in processes:
        process.wait()
    front.start()
    yield front
    front.stop()


def test_what_is_served_and_what_is_not(front, anna_secret):
    for path in SERVED + NOT_SERVED:
        status, headers, _ = front.ask(path)
        assert (path, status) == (path, 200 if path in SERVED else 404)
        for name, value in HEADERS.items():
            assert (path, name, headers.get_all(name)) == (path, name, [value])
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "geolocation=()" in headers["Permissions-Policy"]
        assert headers["Server"] == "nginx"
    status, _, _ = front.ask("/", "POST")
    assert status == 403
    status, _, _ = front.ask("/session", "POST", body=b" " * 5000)
    assert status == 413
    status, _, _ = front.ask("/", headers={"Host": "elsewhere.example.org"})
    assert status == 421

    check_sign_in(front, anna_secret)
    check_redirect(front)
    check_tls(front)
    asked = {front.ask("/session?secret=hush")[0] for _ in range(40)}
    assert asked == {401, 429}
    assert "hush" not in front.log()
    assert anna_secret not in front.log()


def test_while_the_processes_are_stopped_a_sentence_says_so(front, processes):
    for process in processes:
        process.stop()
    status, headers, body = front.ask("/")
    assert status == 503
    assert "is being restarted" in str(body)
    assert headers["X-Frame-Options"] == "DENY"


def check_sign_in(front, secret):
    """The cookie is for TLS alone, whatever a browser says of itself."""
    origin = {"Origin": f"https://{HOST}:{front.https}", "X-Forwarded-Proto": "http"}
    body = json.dumps({"secret": secret}).encode()
    status, headers, _ = front.ask("/session", "POST", origin, body)
    assert status == 204
    (cookie,) = headers.get_all("Set-Cookie")
    attributes = {part.strip().lower() for part in cookie.split(";")}
    assert {"secure", "httponly", "samesite=strict"} <= attributes
    foreign = {"Origin": "https://elsewhere.example.org"}
    assert front.ask("/session", "POST", foreign, body)[0] == 403


def check_redirect(front):
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.build_opener(Stay).open(f"http://127.0.0.1:{front.http}/a?b")
    answer.value.close()
    assert answer.value.code == 301
    assert answer.value.headers["Location"] == f"{front.url}a?b"
    assert answer.value.headers["X-Frame-Options"] == "DENY"


def check_tls(front):
    assert front.ask("/")[0] == 200
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        pytest.warns(DeprecationWarning, match="TLS"),
    ):
        front.ask("/", context=trusting(front.folder, ssl.TLSVersion.TLSv1_1))


def test_a_reading_over_tls_goes_on_when_its_process_is_killed(
    front, processes, context, anna_secret
):
    context.add_cookies(
        [{"name": READER.cookie, "value": anna_secret, "url": front.url}]
    )
    page = context.new_page()
    said, failed = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.goto(front.url)
    see(page, "1 of 3")
    drawn = page.locator("canvas").evaluate(
        "(c) => new Set(c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data).size"
    )
    assert drawn > 200
    choose(page, [1, 1, 1])
    assert [text for text in said if "Security Policy" in text] == []
    assert failed == []

    serving = of_reader(processes)
    serving.kill()
    page.wait_for_timeout(1000)
    choose_good(page)
    assert chosen(page) == [1, 1, 1, 1, 1, 2, 4]
    page.get_by_role("button", name="Save and next").click()
    see(page, "2 of 3")
    assert [text for text in said if "Security Policy" in text] == []


def of_reader(processes):
    """The process that the reader's page is connected to."""
    busy = [process for process in processes if connections(process.port)]
    assert len(busy) == 1
    return busy[0]


def connections(port):
    """Established connections to a port of the loopback."""
    with open("/proc/net/tcp") as file:  # noqa: PTH123
        rows = [line.split() for line in file][1:]
    wanted = f"0100007F:{port:04X}"
    return sum(row[1] == wanted and row[3] == "01" for row in rows)


def test_pictures_go_to_their_reader_for_the_reading_that_is_due_alone(
    front, ready, anna_secret
):
    """What a signed link would say, the cookie and the store say at each request."""
    room, codes = ready
    anna = room.session_of("anna")
    first, second, _ = anna.progress().history.orders[1]
    anna.next_reading()
    ben = sign_in(room.store, "ben", codes["ben"], clock=room.clock).secret

    def ask(secret, path="/ahead", method="GET", **headers):
        sent = {"Cookie": f"{READER.cookie}={secret}"} | headers
        return front.ask(path, method, sent)

    status, headers, picture = ask(anna_secret)
    assert (status, headers["X-Reading"]) == (200, second)
    assert picture == room.study.image_bytes(second)
    assert headers["Cache-Control"] == "no-store"
    tampered = anna_secret[:-1] + ("a" if anna_secret[-1] != "a" else "b")
    for secret in ("", tampered):
        assert ask(secret)[::2] == (401, b"")
    # Ben has opened nothing, so Anna's picture is not his, whatever he names.
    assert ask(ben)[::2] == (204, b"")
    assert ask(ben, **{"X-Reading": second})[::2] == (204, b"")
    assert ask(ben, "/slices", **{"X-Reading": first})[::2] == (404, b"")
    assert ask(anna_secret, method="POST")[0] == 403

    # Another reading is due once this one is answered, so the same request gives it.
    anna.submit(first, GOOD, {})
    assert ask(anna_secret)[::2] == (204, b"")
    end_in_time(room)
    assert ask(anna_secret)[::2] == (401, b"")
    with room.store.reading() as connection:
        opened = connection.exec_driver_sql("SELECT token FROM presentations")
        assert opened.scalars().all() == [first]
    assert second not in front.log()
    for path in (f"/images/{second}.png", f"/ahead/{second}", f"/STUDY/{second}"):
        assert front.ask(path)[0] == 404


def end_in_time(room):
    """Let all sessions be from long ago."""
    with room.store.writing(room.clock) as t:
        t.connection.exec_driver_sql(
            "UPDATE sessions SET seen_at = '2020' || substr(seen_at, 5)"
        )
