// Fetches what the next reading shows while this one is read, and keeps it in this page.
// A viewer calls `fetchAhead(decode)` once it has painted, and `takeAhead(token)` when it
// is told that the page has what it needs. The server learns with Save what is here.
const AFTER_PAINT = 400; // ms

function fetchAhead(decode) {
  setTimeout(() => {
    fetch("ahead", { credentials: "same-origin" }).then(async (answer) => {
      if (answer.status !== 200) return;
      const bytes = new Uint8Array(await answer.arrayBuffer());
      const token = answer.headers.get("X-Reading");
      const decoded = decode(bytes);
      decoded.catch(() => {}); // said when it is shown
      window.readAhead = { token, bytes, decoded };
    }).catch(() => {}); // then it comes with the page
  }, AFTER_PAINT);
}

function takeAhead(token) {
  const found = window.readAhead;
  return found?.token === token ? found : null;
}
