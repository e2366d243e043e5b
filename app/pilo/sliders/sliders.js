// A slider per map. Places are whole steps from 0, where the ratio is 1: eight steps
// double it. One movement at a time is sent; the next when the server has drawn it.
const STEPS = 24;
const PATIENCE = 2000; // ms, should an answer be lost

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".sliders");
  root.sliders ??= makeSliders(root);
  root.sliders.send = (moved) => setTriggerValue("moved", moved);
  root.sliders.take(data);
}

function makeSliders(root) {
  const rows = root.querySelector(".rows");
  const together = root.querySelector("input[type=checkbox]");
  const self = { send: () => {}, take };
  let ranges = {};
  let serial = 0;
  let sent = 0; // when the movement was sent that is not drawn yet; 0 for none
  let waiting = false;

  function take({ titles, steps, serial: drawn }) {
    if (Object.keys(titles).join() !== Object.keys(ranges).join()) build(titles);
    if (drawn === serial) sent = 0;
    if (waiting && !sent) submit();
    if (!sent) for (const name in ranges) place(name, steps[name]);
  }

  function build(titles) {
    ranges = {};
    rows.replaceChildren(
      ...Object.entries(titles).map(([name, title]) => {
        const row = document.createElement("label");
        const [word, range, value] = ["b", "input", "output"].map((kind) =>
          document.createElement(kind),
        );
        Object.assign(range, { type: "range", min: -STEPS, max: STEPS, step: 1 });
        range.dataset.map = name;
        word.textContent = title;
        range.addEventListener("input", () => moved(range));
        row.append(word, range, value);
        ranges[name] = range;
        place(name, 0);
        return row;
      }),
    );
  }

  function place(name, step) {
    const range = ranges[name];
    const value = range.nextElementSibling;
    range.value = step;
    value.textContent = (2 ** (step / 8)).toFixed(2);
    range.setAttribute("aria-valuetext", value.textContent);
    value.classList.toggle("moved", Number(step) !== 0);
  }

  function moved(range) {
    const names = together.checked ? Object.keys(ranges) : [range.dataset.map];
    for (const name of names) place(name, range.value);
    submit();
  }

  function submit() {
    waiting = sent && Date.now() - sent < PATIENCE;
    if (waiting) return;
    sent = Date.now();
    const steps = Object.fromEntries(
      Object.entries(ranges).map(([name, range]) => [name, Number(range.value)]),
    );
    self.send({ steps, serial: ++serial });
  }

  root.querySelector("button").addEventListener("click", () => {
    for (const name in ranges) place(name, 0);
    submit();
  });
  return self;
}
