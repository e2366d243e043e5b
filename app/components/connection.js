// Says that the connection is gone, or never came, and goes by itself. It is part of the
// page as it is loaded, since what comes over the connection cannot tell of its loss.
//
// A modal dialog: while it is there nothing that is typed or pressed reaches a field, so
// that nothing can seem to count.
(() => {
  const STATE = "data-test-connection-state";
  const SCRIPT = "data-test-script-state";
  const FIRST = 8000; // ms until a page that was never connected says so
  const TICK = 250;
  const PROBE = { each: 10000, soon: 1000, wait: 5000 };

  const dialog = document.createElement("dialog");
  dialog.id = "connection";
  dialog.setAttribute("role", "alertdialog");
  dialog.setAttribute("aria-labelledby", "connection-title");
  dialog.innerHTML = "<h2 id='connection-title'></h2><p></p><p></p>";
  const style = document.createElement("style");
  style.textContent = `
    #connection { position: fixed; inset: 12vh 0 auto; margin: 0 auto; width: fit-content;
      max-width: min(560px, 90vw); height: fit-content;
      padding: 18px 26px; border: 2px solid #d9b36c; border-radius: 6px; outline: none;
      zoom: var(--zoom, 1); background: #1d1b16; color: #eceff1; font: 16px/1.5 "Source Sans", sans-serif; }
    #connection h2 { margin: 0 0 8px; font-size: 20px; font-weight: 600; color: #d9b36c; }
    #connection p { margin: 0 0 8px; } #connection p:empty { display: none; }
    #connection::backdrop { background: rgb(0 0 0 / 35%); }`;
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => { // nor do keys reach the page
    if (dialog.open && event.key === "Escape") event.preventDefault();
  }, { capture: true });

  const stateOf = (name) => document.querySelector(`[${name}]`)?.getAttribute(name);

  function say(title, first, second) {
    const [head, one, two] = dialog.children;
    if (head.textContent !== title) head.textContent = title;
    if (one.textContent !== first) one.textContent = first;
    if (two.textContent !== second) two.textContent = second;
    document.body.append(style);
    if (dialog.open) return;
    document.body.append(dialog);
    dialog.showModal();
    document.body.toggleAttribute("data-lost", true);
  }

  function sayLost() {
    const kept = document.querySelector(".st-key-kept")?.innerText.match(/\d\d:\d\d:\d\d.*/)?.[0];
    const until = kept ? `What you entered until ${kept} is kept` : "What was saved is kept";
    say(
      "No connection",
      `${until}; a text that still stands on the page is sent later. Nothing that you enter now counts.`,
      "Please wait. This goes by itself as soon as the connection is back.",
    );
  }

  function sayNever() {
    const host = window.location.host;
    if (reached) {
      say(
        "This page cannot be used here",
        "The server answers, but something between it and this browser refuses WebSocket connections. "
        + "Please tell your IT department: allow WebSockets "
        + `(${window.location.protocol === "https:" ? "wss" : "ws"}://${host}/_stcore/stream). `
        + "A proxy must pass the headers Upgrade and Connection, and keep connections open.",
        "This goes by itself as soon as there is a connection.",
      );
    } else {
      say(
        "No connection",
        `The server ${host} does not answer. Please tell the coordinator of the study if this lasts.`,
        "This goes by itself as soon as there is a connection.",
      );
    }
  }

  function close() {
    if (!dialog.open) return;
    dialog.close();
    dialog.remove();
    document.body.removeAttribute("data-lost");
    document.dispatchEvent(new Event("back"));
  }

  // A connection may be dead without a word: ask over another one, twice before a server
  // that is only slow is called unreached.
  let reached = true;
  let failures = 0;
  let asking = false;
  let probed = Date.now();
  async function probe() {
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch("_stcore/health", {
        cache: "no-store", signal: AbortSignal.timeout(PROBE.wait),
      });
      failures = answer.status < 500 ? 0 : failures + 1;
    } catch {
      failures += 1;
    }
    reached = failures < 2;
    probed = Date.now();
    asking = false;
    if (failures === 1) probe();
  }

  // A server that was restarted knows nothing of the page: the first click would be
  // dropped. So it is asked for the page, with all that stands in its fields.
  let ran = false;
  function askForPage() {
    for (const field of document.querySelectorAll("input[type=text], input[type=number], textarea")) {
      // Streamlit takes a text when its field is left; a disabled one never was.
      field.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
    }
    const asked = new CustomEvent("rejoin", { cancelable: true });
    if (document.dispatchEvent(asked)) window.location.reload(); // nobody has asked
    return Date.now();
  }

  const began = Date.now();
  let joined = false; // whether there ever was a connection
  let asked = 0; // since when the server has been asked for the page
  function look() {
    const sure = joined && !failures && navigator.onLine;
    const every = sure ? PROBE.each : PROBE.soon;
    if (!document.hidden && Date.now() - probed > every) probe();
    const connected = stateOf(STATE) === "CONNECTED" && reached;
    if (!connected) {
      asked = 0;
      if (joined) sayLost();
      else if (Date.now() - began > FIRST) sayNever();
      return;
    }
    if (dialog.open && joined) {
      if (!asked) [asked, ran] = [askForPage(), false];
      const still = stateOf(SCRIPT) === "notRunning";
      ran ||= !still;
      if (!(still && (ran || Date.now() - asked > 1500))) return;
    }
    asked = 0;
    joined = true;
    close();
  }
  // Notices, receipts and drafts are read out when they change. A region must be there
  // before its words are, and parts of a page come and go.
  const spoken = document.createElement("div");
  spoken.setAttribute("aria-live", "polite");
  spoken.style.cssText = "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);";
  const SAID = "[class*='st-key-notice-'], .st-key-kept";
  let said = "";
  function speak() {
    if (!spoken.isConnected) document.body.append(spoken);
    const words = [...document.querySelectorAll(SAID)]
      .map((part) => part.innerText.trim().replace(/ ?\d\d:\d\d:\d\d.*/, ""));
    const now = words.filter(Boolean).join(". ");
    if (now !== said) spoken.textContent = now;
    said = now;
  }

  setInterval(speak, TICK);
  setInterval(look, TICK);
  new MutationObserver(look).observe(document.documentElement, {
    attributeFilter: [STATE], subtree: true,
  });
  window.addEventListener("offline", probe);
  window.addEventListener("online", probe);
})();
