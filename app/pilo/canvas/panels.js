// Shows the panels of one slice. Pictures keep their own pixels; enlarged, pixels are
// squares. A cross follows the pointer in all panels, with the value of each under it.
const REST = 120; // ms between two messages of the wheel

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".panels");
  if (!root.panels) root.panels = makePanels(parentElement, root);
  root.panels.wheel = (steps) => setTriggerValue("wheel", steps);
  root.panels.show(data);
  return atEnd(parentElement, () => {
    root.panels?.close();
    root.panels = null;
  });
}

function makePanels(parent, root) {
  const template = parent.querySelector("template");
  const closing = new AbortController();
  const on = (target, name, listener, options = {}) =>
    target.addEventListener(name, listener, { ...options, signal: closing.signal });
  const self = { wheel: () => {}, show, close };
  let shown = null;
  let wanted = 0;
  let figures = [];
  let pointer = null;

  async function show(bytes) {
    const number = ++wanted;
    const message = await readMessage(bytes);
    if (number !== wanted) return; // a later one came while this was decoded
    shown = message;
    if (figures.length !== shown.panels.length) makeFigures();
    shown.panels.forEach((panel, index) => fill(figures[index], panel));
    parent.querySelector(".where").textContent = shown.captions[0];
    arrange();
    point(pointer);
    root.dataset.shown = number;
  }

  function makeFigures() {
    figures = shown.panels.map((_, index) => {
      const figure = template.content.cloneNode(true).querySelector("figure");
      figure.style.gridArea = index ? "auto" : "1 / 1 / span 2 / auto";
      return figure;
    });
    root.replaceChildren(...figures);
  }

  function fill(figure, panel) {
    const find = (selector) => figure.querySelector(selector);
    figure.dataset.title = panel.title;
    find("b").textContent = panel.title;
    find(".note").textContent = panel.note;
    find(".note").classList.toggle("moved", panel.note.includes("not"));
    find(".summary").textContent = panel.summary;
    find(".picture").setAttribute("aria-label", `${panel.title}, ${panel.note}`);
    paint(find(".picture"), panel.picture);
    paint(find(".ramp"), panel.ramp);
    const cross = find(".cross");
    if (cross.width !== shown.size) cross.width = cross.height = shown.size;
    find(".ticks").replaceChildren(
      ...panel.ticks.map((text, place) => {
        const tick = document.createElement("span");
        tick.textContent = place === 2 ? `${text} ${panel.unit}` : text;
        return tick;
      }),
    );
  }

  function paint(canvas, bitmap) {
    if (canvas.width !== bitmap.width) canvas.width = bitmap.width;
    if (canvas.height !== bitmap.height) canvas.height = bitmap.height;
    canvas.getContext("2d", { alpha: false }).drawImage(bitmap, 0, 0);
  }

  // The NCCT takes two rows at the left, maps stand in rows of two beside it. Sides are
  // whole multiples of the pictures' own where that costs little.
  function arrange() {
    if (!shown) return;
    const columns = Math.ceil((figures.length - 1) / 2);
    const style = getComputedStyle(root);
    const gap = parseFloat(style.columnGap);
    const text = parseFloat(style.getPropertyValue("--text"));
    const wide = (root.clientWidth - gap * columns) / (2 + columns);
    const high = (root.clientHeight - gap) / 2 - text;
    const own = shown.size / (window.devicePixelRatio || 1);
    const room = Math.max(80, Math.min(wide, high));
    const whole = Math.floor(room / own) * own;
    const side = whole > 0.8 * room ? whole : Math.floor(room);
    root.style.gridTemplateColumns = `${2 * side}px repeat(${columns}, ${side}px)`;
    root.dataset.side = side;
    figures.forEach((figure, index) => {
      const length = index ? side : 2 * side;
      figure.style.width = `${length}px`;
      figure.querySelector(".frame").style.height = `${length}px`;
    });
  }

  function point(at) {
    pointer = at;
    if (!shown) return;
    figures.forEach((figure, index) => {
      const cross = figure.querySelector(".cross");
      const pen = cross.getContext("2d");
      pen.clearRect(0, 0, cross.width, cross.height);
      figure.querySelector("output").textContent = at ? valueAt(index, at) : "";
      if (!at) return;
      pen.fillStyle = "rgba(255, 255, 255, 0.45)";
      const [row, column] = at;
      for (const reach of [3, 4, 5, 6, 7]) {
        for (const way of [-reach, reach]) {
          pen.fillRect(column + way, row, 1, 1);
          pen.fillRect(column, row + way, 1, 1);
        }
      }
    });
  }

  function valueAt(index, [row, column]) {
    const { values, decimals } = shown.panels[index];
    const value = values[row * shown.size + column];
    if (value === shown.nothing) return "outside";
    return (value / 10 ** decimals).toFixed(decimals);
  }

  function placeOf(event) {
    const frame = event.target.closest?.(".frame");
    if (!frame || !shown) return null;
    const box = frame.getBoundingClientRect();
    const share = [
      (event.clientY - box.top) / box.height,
      (event.clientX - box.left) / box.width,
    ];
    return share.map((s) => Math.min(shown.size - 1, Math.max(0, Math.floor(s * shown.size))));
  }

  on(root, "pointermove", (event) => point(placeOf(event)));
  on(root, "pointerleave", () => point(null));
  let turned = 0;
  let waiting = null;
  on(root, "wheel", (event) => {
    if (!event.target.closest?.(".frame") || event.ctrlKey || !event.deltaY) return;
    event.preventDefault();
    turned -= Math.sign(event.deltaY); // away from oneself is up, to the vertex
    waiting ??= setTimeout(() => {
      if (turned) self.wheel(turned);
      turned = 0;
      waiting = null;
    }, REST);
  }, { passive: false });
  on(parent.querySelector("button"), "click", () => shown && savePicture(shown));
  const resized = new ResizeObserver(arrange);
  resized.observe(root);

  function close() {
    closing.abort();
    resized.disconnect();
    clearTimeout(waiting);
  }
  return self;
}
