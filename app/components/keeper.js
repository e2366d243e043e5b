// Begins, keeps and ends the session of a reader. The cookie is HttpOnly: this script
// never sees it again.
const ROUTE = "session";
const PING = 5 * 60 * 1000;

export default function ({ data, parentElement, setStateValue }) {
  const notice = parentElement.querySelector(".notice");
  if (data.act === "keep") {
    parentElement.leave ??= keep(data.idle * 1000, setStateValue);
    return atEnd(parentElement, () => {
      parentElement.leave?.();
      parentElement.leave = null;
    });
  }
  if (parentElement.done) return undefined;
  parentElement.done = true;
  notice.textContent = data.act === "begin" ? "Opening the study" : "Signing out";
  const request = data.act === "begin"
    ? { method: "POST", body: JSON.stringify({ secret: data.secret }) }
    : { method: "DELETE" };
  send(request, notice);
  return undefined;
}

// A code opens once, so a lost network must not waste it: try until it is answered.
function send(request, notice) {
  fetch(ROUTE, { ...request, credentials: "same-origin" })
    .then((answer) => {
      if (answer.status >= 500) throw new Error(answer.status);
      window.location.reload();
    })
    .catch(() => {
      notice.textContent = "No connection; trying again";
      setTimeout(() => send(request, notice), 1500);
    });
}

// Which answers are being corrected; a server that was restarted has forgotten it.
const CORRECTING = /st-key-save-correction-(\S+)/;

function keep(idle, setStateValue) {
  const closing = new AbortController();
  let last = Date.now();
  let pinged = Date.now();
  for (const name of ["pointerdown", "pointermove", "keydown", "wheel"]) {
    document.addEventListener(name, () => { last = Date.now(); },
      { capture: true, passive: true, signal: closing.signal });
  }
  document.addEventListener("rejoin", (event) => {
    event.preventDefault(); // connection.js need not load the page anew
    const button = document.querySelector("[class*='st-key-save-correction-']");
    const correcting = button?.className.match(CORRECTING)?.[1] ?? "";
    setStateValue("joined", { at: Date.now(), correcting });
  }, { signal: closing.signal });
  const check = () => {
    const now = Date.now();
    if (now - last > idle) {
      window.location.reload(); // the server has ended the session; hide what is shown
    } else if (now - pinged > PING && last > pinged) {
      pinged = now;
      fetch(ROUTE, { credentials: "same-origin" })
        .then((answer) => { if (answer.status === 401) window.location.reload(); })
        .catch(() => {});
    }
  };
  const timer = setInterval(check, 1000);
  return () => {
    closing.abort();
    clearInterval(timer);
  };
}
