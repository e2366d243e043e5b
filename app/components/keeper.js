// Begins, keeps and ends the session of a reader. The cookie is HttpOnly: this script
// never sees it again.
const ROUTE = "session";
const PING = 5 * 60 * 1000;

export default function ({ data, parentElement }) {
  const notice = parentElement.querySelector(".notice");
  if (data.act === "keep") return keep(data.idle * 1000);
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

function keep(idle) {
  const closing = new AbortController();
  let last = Date.now();
  let pinged = Date.now();
  for (const name of ["pointerdown", "pointermove", "keydown", "wheel"]) {
    document.addEventListener(name, () => { last = Date.now(); },
      { capture: true, passive: true, signal: closing.signal });
  }
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
