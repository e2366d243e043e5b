// Fetches what the next reading shows while this one is read, and keeps it in this page.
// A viewer calls `fetchAhead(take)` once it has painted; `take` makes of the answer what the
// next viewer gets from `takeAhead(token)` when it is told that the page has what it needs. The server learns with Save what is here.
const AFTER_PAINT = 400; // ms

function fetchAhead(take) {
  setTimeout(() => {
    fetch("ahead", { credentials: "same-origin" }).then(async (answer) => {
      if (answer.status !== 200) return;
      const token = answer.headers.get("X-Reading");
      window.readAhead = { token, ...await take(answer) };
    }).catch(() => {}); // then it comes with the page
  }, AFTER_PAINT);
}

function takeAhead(token) {
  const found = window.readAhead;
  return found?.token === token ? found : null;
}
