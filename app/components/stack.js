// Linked panels of one stack: the same slice, enlargement and place in all. All positions
// on the canvas are pixels of the screen; a scale of 1 puts one picture pixel on one of
// them, untouched; enlarged, what lies between is interpolated.
const LARGEST = 16;
const STEP = 1.25;
const PRESETS = [[40, 80], [40, 40], [35, 350]]; // level, width in HU
const LEAST = 0.1; // s on the screen; what is only scrolled past was not seen
const PAGE = 5; // slices
const HELP = `wheel, arrows, ,  . slice
Page Up, Page Down five slices
Home, End          first, last slice
Q  E, click        panel before, after
P                  next window of the CT
I  K   J  L        level up, down; window narrower, wider (or drag with the right button)
G                  maps in grey
D                  all panels of one size
F  A               whole brain, 1:1
+  -  Ctrl+wheel   zoom
Shift+arrows, drag move
M  C  X            length, mean in a circle, remove it
U  H               full screen, these keys`;

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".viewer");
  if (!root.viewer) root.viewer = makeStack(root);
  root.viewer.show(data, (token) => setStateValue("missing", token));
  return atEnd(parentElement, () => {
    root.viewer?.close();
    root.viewer = null;
  });
}

// Bytes: four with the length of the layout, the layout as JSON, the first slice. A page
// that fetched the slices ahead is given the layout alone.
function unpack(data) {
  if (!(data instanceof Uint8Array)) return { layout: data, bytes: null };
  const size = new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  const layout = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + size)));
  return { layout, bytes: data.subarray(4 + size) };
}

function makeStack(root) {
  const canvas = root.querySelector("canvas");
  const context = canvas.getContext("2d", { alpha: false });
  const notice = root.querySelector(".notice");
  const status = root.querySelector("output");
  const closing = new AbortController();
  const on = (target, name, listener, options = {}) =>
    target.addEventListener(name, listener, { ...options, signal: closing.signal });
  let options = {};
  let volume = null;
  let sheets = []; // a canvas for each panel, as large as a slice
  let tables = [];
  let bars = []; // their colours, drawn once
  let boxes = [];
  let tissue = null;
  let slice = 0;
  let selected = 0;
  let middle = [0, 0]; // what of the picture stands in the middle of each panel
  let enlarged = 1; // times what fits
  let mode = "fit";
  let level = 40;
  let width = 80;
  let grey = false;
  let equal = false;
  let pointer = null; // in the picture
  let tool = "";
  let measure = null;
  let stale = true; // the slice is to be painted anew
  let waiting = 0;
  let seen = null;
  const marking = makeMarking(root, canvas, {
    frames, pan, first: () => selected, show: (mark) => go(mark.slice - 1),
  }, closing.signal);

  // Where the panels have the slice, for marks on it.
  function frames() {
    if (!volume || stale || !boxes.length) return [];
    return volume.panels.map((panel, p) => {
      const { area, scale, tallness, x, y } = viewOf(p);
      return {
        ...area, x, y, scale, tallness, columns: volume.columns, rows: volume.rows,
        about: { panel: panel.name, slice: slice + 1 },
        mm: (c, r) => volume.place([c - 0.5, r - 0.5, slice]),
      };
    });
  }

  function show(data, ask) {
    const { layout, bytes } = unpack(data);
    if (options.token === layout.token && volume) return;
    const found = bytes ? null : takeAhead(layout.ahead);
    if (!bytes && !found) {
      ask(layout.ahead);
      return;
    }
    options = layout;
    const read = found?.volume ?? emptyVolume(layout);
    if (bytes) read.take(bytes);
    begin(read);
    complete(found?.coming);
  }

  // The rest of the slices: on its way already, or fetched; then the next reading's.
  async function complete(coming) {
    const shown = volume;
    const arrived = () => {
      if (stale && volume.has(slice)) later();
    };
    const watch = setInterval(arrived, 50);
    await coming?.catch(() => {});
    clearInterval(watch);
    const done = await fetchRest(shown, options.reading, arrived, closing.signal);
    if (closing.signal.aborted) return;
    arrived();
    if (!done) {
      notice.textContent = "The slices cannot be shown; please tell the coordinator.";
      return;
    }
    root.dataset.whole = "yes";
    if (typeof fetchAhead === "function") fetchAhead(takeSlices);
  }

  // Is done once the first slice is there; the others may come while it is shown.
  async function takeSlices(answer) {
    const next = emptyVolume(options);
    let first = null;
    const begun = new Promise((done) => { first = done; });
    const told = () => next.has(Math.floor(next.slices / 2)) && first();
    const coming = drain(answer, next, told);
    await Promise.race([begun, coming]);
    return { volume: next, coming };
  }

  function begin(read) {
    volume = read;
    slice = Math.floor(volume.slices / 2);
    tissue = tissueBox(volume);
    const windowed = volume.panels.find(isWindowed);
    if (windowed) {
      level = (windowed.low + windowed.high) / 2;
      width = windowed.high - windowed.low;
    }
    sheets = volume.panels.map(() => {
      const sheet = new OffscreenCanvas(volume.columns, volume.rows);
      const at = sheet.getContext("2d");
      const image = at.createImageData(volume.columns, volume.rows);
      return { sheet, at, image, pixels: new Uint32Array(image.data.buffer) };
    });
    seen = countSeen(options.token, volume.slices);
    notice.textContent = "";
    setTables();
    setButtons();
    place("fit");
    draw(); // at once, not with the next frame
    root.dataset.painted = performance.now();
  }

  function setTables() {
    tables = volume.panels.map((panel) => (isWindowed(panel)
      ? windowTable(level - width / 2, level + width / 2) : colourTable(panel, grey)));
    bars = volume.panels.map((panel, p) => (
      drawnBar(isWindowed(panel) ? colourTable({}, true) : tables[p])));
    stale = true;
  }

  function setButtons() {
    const windows = root.querySelector(".windows");
    windows.replaceChildren();
    windows.hidden = Boolean(options.lock_window) || !volume.panels.some(isWindowed);
    PRESETS.forEach(([l, w]) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: `${l}/${w}` });
      button.title = `Level ${l}, width ${w} HU (P: next)`;
      button.dataset.level = l;
      button.dataset.width = w;
      windows.append(button);
    });
    for (const name of ["length", "circle"]) {
      root.querySelector(`[data-do=${name}]`).hidden = !options.measures;
    }
    root.querySelector(".help").textContent = HELP;
  }

  // Room of a panel for the picture: without title and colour bar.
  function room(box) {
    const ratio = unit();
    const [top, right] = [20 * ratio, (isTiny(box) ? 8 : 46) * ratio];
    return {
      left: box.left + 4, top: box.top + top,
      width: Math.max(8, box.width - right - 8), height: Math.max(8, box.height - top - 4),
    };
  }

  // In so small a panel there is room for the head and a narrow bar; its numbers stand where
  // it is large.
  function isTiny(box) {
    return box.width < 110 * unit();
  }

  function unit() {
    return canvas.width / (canvas.clientWidth || canvas.width);
  }

  function fitting(box) {
    const { width: w, height: h } = room(box);
    const tallness = volume.spacing[1] / volume.spacing[0];
    return Math.min(w / tissue.width, h / (tissue.height * tallness));
  }

  // Where a panel has the picture: scale and its upper left corner.
  function viewOf(p) {
    const area = room(boxes[p]);
    const scale = fitting(boxes[p]) * enlarged;
    const tallness = volume.spacing[1] / volume.spacing[0];
    const exact = Math.abs(scale - 1) < 1e-6 ? 1 : scale;
    const x = area.left + area.width / 2 - middle[0] * exact;
    const y = area.top + area.height / 2 - middle[1] * exact * tallness;
    return { area, scale: exact, tallness, x: Math.round(x), y: Math.round(y) };
  }

  function place(how) {
    if (!volume || !canvas.width) return;
    mode = how;
    boxes = placePanels(volume.panels.length, selected, canvas.width - barWidth(), canvas.height, equal);
    for (const box of boxes) box.left += barWidth();
    if (how === "fit") enlarged = 1;
    if (how === "actual") enlarged = 1 / fitting(boxes[selected]);
    if (how !== "free") {
      middle = [tissue.left + tissue.width / 2, tissue.top + tissue.height / 2];
    }
    later();
  }

  function zoom(factor, at = null) {
    if (!volume) return;
    const fits = fitting(boxes[selected]);
    const now = fits * enlarged;
    let wanted = Math.min(LARGEST, Math.max(Math.min(0.5, fits), now * factor));
    if ((now - 1) * (wanted - 1) < -1e-9) wanted = 1; // never past 1:1 without showing it
    const share = 1 - now / wanted;
    if (at) middle = middle.map((m, n) => m + (at[n] - m) * share);
    enlarged = wanted / fits;
    mode = "free";
    inside();
    later();
  }

  function pan(dx, dy, p = selected) {
    const { scale, tallness } = viewOf(p);
    middle = [middle[0] - dx / scale, middle[1] - dy / scale / tallness];
    mode = "free";
    inside();
    later();
  }

  function inside() {
    const size = [volume.columns, volume.rows];
    middle = middle.map((m, n) => Math.min(size[n], Math.max(0, m)));
  }

  function go(to) {
    if (!volume) return;
    const next = Math.min(volume.slices - 1, Math.max(0, to));
    if (next === slice) return;
    seen.leave();
    slice = next;
    stale = true;
    later();
  }

  function setWindow(l, w) {
    if (options.lock_window || !volume) return;
    if (l === level && w === width) return;
    level = Math.round(Math.min(3000, Math.max(-1000, l)));
    width = Math.round(Math.min(4000, Math.max(2, w)));
    seen.changed();
    setTables();
    later();
  }

  function nextPreset() {
    const now = PRESETS.findIndex(([l, w]) => l === level && w === width);
    setWindow(...PRESETS[(now + 1) % PRESETS.length]);
  }

  function select(p) {
    const n = volume.panels.length;
    selected = (p + n) % n;
    place(mode);
  }

  function later() {
    if (!waiting) waiting = requestAnimationFrame(draw);
  }

  function draw() {
    cancelAnimationFrame(waiting);
    waiting = 0;
    if (!volume || !canvas.width) return;
    const there = volume.has(slice);
    if (stale && there) repaint();
    if (there || !notice.textContent) notice.textContent = there ? "" : "Loading";
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    const views = volume.panels.map((_, p) => drawPanel(p));
    drawBar();
    seen.enter(there ? slice : null);
    say();
    root.dataset.views = JSON.stringify(views);
    root.dataset.values = JSON.stringify(volume.panels.map((_, p) => underPointer(p)));
    root.dataset.measured = measured();
    Object.assign(root.dataset, {
      scale: views[selected].scale, slice: slice + 1, selected, level, width, frames: Number(root.dataset.frames || 0) + 1,
    });
    marking.draw();
  }

  function repaint() {
    sheets.forEach((sheet, p) => {
      paintSlice(volume.values(slice, p), tables[p], sheet.pixels);
      sheet.at.putImageData(sheet.image, 0, 0);
    });
    stale = false;
  }

  function drawPanel(p) {
    const { area, scale, tallness, x, y } = viewOf(p);
    const [wide, high] = [volume.columns * scale, volume.rows * scale * tallness];
    context.save();
    context.beginPath();
    context.rect(area.left, area.top, area.width, area.height);
    context.clip();
    context.imageSmoothingEnabled = scale !== 1 || tallness !== 1;
    context.imageSmoothingQuality = scale < 1 ? "high" : "low";
    if (!stale) context.drawImage(sheets[p].sheet, x, y, wide, high);
    drawMeasure(p, x, y, scale, tallness);
    drawPointer(x, y, scale, tallness);
    context.restore();
    drawFrame(p);
    const marks = drawSides(area, { x, y, wide, high });
    return { name: volume.panels[p].name, area, scale, x, y, tallness, marks };
  }

  function write(text, x, y, { align = "left", size = 12, colour = "#d6d9dc" } = {}) {
    const ratio = unit();
    context.font = `${Math.round(size * ratio)}px system-ui, sans-serif`;
    context.textAlign = align;
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 3 * ratio;
    context.strokeStyle = "#000";
    context.strokeText(text, x, y);
    context.fillStyle = colour;
    context.fillText(text, x, y);
  }

  // R, L, A and P stand at the edges of the picture. Where an edge is not in view, an arrow
  // before or behind the letter says in which direction it lies.
  function drawSides(area, { x, y, wide, high }) {
    const gap = 9 * unit();
    const [right, bottom] = [area.left + area.width, area.top + area.height];
    const within = (at, low, up) => Math.min(up - gap, Math.max(low + gap, at));
    const across = within((Math.max(x, area.left) + Math.min(x + wide, right)) / 2, area.left, right);
    // In a small panel they stand higher up, where they cover no brain.
    const small = area.width < 150 * unit();
    const half = (Math.max(y, area.top) + Math.min(y + high, bottom)) / 2;
    const down = within(small ? area.top + 0.14 * area.height : half, area.top, bottom);
    const marks = [
      { letter: "R", edge: x >= area.left, at: [Math.max(x, area.left) + gap, down], far: "\u2039R" },
      { letter: "L", edge: x + wide <= right, at: [Math.min(x + wide, right) - gap, down], far: "L\u203a" },
      { letter: "A", edge: y >= area.top, at: [across, Math.max(y, area.top) + gap], far: "A\u02c4" },
      { letter: "P", edge: y + high <= bottom, at: [across, Math.min(y + high, bottom) - gap], far: "P\u02c5" },
    ];
    for (const { letter, edge, at, far } of area.width < 110 * unit() ? marks.slice(0, 2) : marks) {
      const text = { align: "center", size: small ? 12 : 14, colour: edge ? "#fff" : "#e8c86a" };
      write(edge ? letter : far, ...at, text);
    }
    return marks.map(({ letter, edge, at }) => ({ letter, edge, at }));
  }

  function drawFrame(p) {
    const box = boxes[p];
    const ratio = unit();
    const panel = volume.panels[p];
    const top = box.top + 10 * ratio;
    context.lineWidth = ratio;
    context.strokeStyle = p === selected ? "#7aa2c4" : "#2a2f35";
    context.strokeRect(box.left + 0.5, box.top + 0.5, box.width - 1, box.height - 1);
    write(panel.name, box.left + 6 * ratio, top, { size: 13 });
    const value = underPointer(p);
    const right = box.left + box.width - 5 * ratio;
    const windowed = isWindowed(panel);
    const about = windowed ? `${level}/${width}` : panel.unit;
    if (!isTiny(box) && (value || windowed || isUnitBeside(panel, box))) {
      write(value || about, right, top, { align: "right", colour: value ? "#fff" : "#9aa1a8" });
    }
    drawColours(p, box);
  }

  function isUnitBeside(panel, box) {
    const ratio = unit();
    context.font = `${Math.round(13 * ratio)}px system-ui, sans-serif`;
    return context.measureText(`${panel.name}  ${panel.unit}`).width < box.width - 11 * ratio;
  }

  function drawColours(p, box) {
    const ratio = unit();
    const panel = volume.panels[p];
    const windowed = isWindowed(panel);
    if (isTiny(box)) {
      const [width, from] = [Math.round(4 * ratio), box.top + 20 * ratio];
      context.imageSmoothingEnabled = false;
      context.drawImage(bars[p], box.left + box.width - 2 * width, from, width, box.height - 24 * ratio);
      return;
    }
    const high = Math.min(220 * ratio, box.height - 80 * ratio);
    const [left, top] = [box.left + box.width - 14 * ratio, box.top + (box.height - high) / 2 + 8 * ratio];
    context.imageSmoothingEnabled = false;
    context.drawImage(bars[p], left, top, 8 * ratio, high);
    const [low, up] = windowed ? [level - width / 2, level + width / 2] : [panel.low, panel.high];
    const text = { align: "right", size: 11, colour: "#9aa1a8" };
    write(`${up}`, left + 8 * ratio, top - 9 * ratio, text);
    write(`${low}`, left + 8 * ratio, top + high + 9 * ratio, text);
    if (windowed || !isUnitBeside(panel, box)) write(panel.unit, left + 8 * ratio, top + high + 22 * ratio, text);
  }

  function drawPointer(x, y, scale, tallness) {
    if (!pointer) return;
    const ratio = unit();
    const [px, py] = [x + pointer[0] * scale, y + pointer[1] * scale * tallness];
    context.strokeStyle = "#e8c86a";
    context.lineWidth = ratio;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(px + 5 * ratio * dx, py + 5 * ratio * dy);
      context.lineTo(px + 10 * ratio * dx, py + 10 * ratio * dy);
    }
    context.stroke();
  }

  function drawMeasure(p, x, y, scale, tallness) {
    if (!measure || measure.slice !== slice || stale) return;
    const at = ([c, r]) => [x + c * scale, y + r * scale * tallness];
    const [from, to] = measure.points.map(at);
    const panel = volume.panels[p];
    context.strokeStyle = "#fff";
    context.lineWidth = 1.5 * unit();
    context.beginPath();
    if (measure.kind === "length") {
      context.moveTo(...from);
      context.lineTo(...to);
      context.stroke();
      if (p === selected) write(`${lengthOf(volume, measure.points).toFixed(1)} mm`, to[0], to[1] - 12 * unit());
      return;
    }
    const radius = lengthOf(volume, measure.points) / volume.spacing[0];
    context.arc(...from, radius * scale, 0, 2 * Math.PI);
    context.stroke();
    const { n, mean, deviation } = meanInCircle(volume, p, slice, measure.points);
    const digits = panel.high - panel.low > 30 ? 1 : 2;
    const more = p === selected ? ` \u00b1 ${deviation.toFixed(digits)} ${panel.unit}, ${n} px` : "";
    const text = n ? `${mean.toFixed(digits)}${more}` : "no value";
    write(text, from[0], from[1] - radius * scale - 9 * unit(), { align: "center" });
  }

  function measured() {
    if (!measure || measure.slice !== slice || stale) return "";
    const means = volume.panels.map((_, p) => meanInCircle(volume, p, slice, measure.points).mean);
    const length = lengthOf(volume, measure.points);
    return JSON.stringify({ points: measure.points, length, means });
  }

  function barWidth() {
    return Math.round(14 * unit());
  }

  // A field for each slice along the left side: the one shown, those seen, those not.
  function drawBar() {
    const high = canvas.height / volume.slices;
    for (let k = 0; k < volume.slices; k += 1) {
      context.fillStyle = k === slice ? "#e8c86a" : seen.has(k) ? "#5d7f9b" : "#2a2f35";
      const top = Math.round(k * high);
      context.fillRect(2, top, barWidth() - 5, Math.max(1, Math.round((k + 1) * high) - top - 1));
    }
  }

  function say() {
    const mm = volume.level(slice);
    const left = options.require_all_slices ? volume.slices - seen.count() : 0;
    const text = `Slice ${slice + 1} of ${volume.slices} \u2002${Number(mm.toFixed(1))} mm \u2002`
      + `${Math.round(viewOf(selected).scale * 100)} %${left > 0 ? ` \u2002${left} not yet seen` : ""}`;
    if (status.textContent !== text) status.textContent = text;
    for (const button of root.querySelectorAll(".windows button")) {
      const is = Number(button.dataset.level) === level && Number(button.dataset.width) === width;
      button.setAttribute("aria-pressed", is);
    }
    const pressed = { grey, equal, length: tool === "length", circle: tool === "circle" };
    for (const [name, is] of Object.entries(pressed)) {
      root.querySelector(`[data-do=${name}]`).setAttribute("aria-pressed", is);
    }
  }

  function underPointer(p) {
    if (!pointer || stale) return "";
    const [c, r] = pointer.map(Math.floor);
    if (c < 0 || r < 0 || c >= volume.columns || r >= volume.rows) return "";
    return valueText(volume.panels[p], volume.values(slice, p)[r * volume.columns + c]);
  }

  const resized = watchSize(canvas, () => {
    place(mode);
    draw();
  });
  const onCanvas = (event) => placeOn(canvas, event);
  const panelAt = ([x, y]) => boxes.findIndex((b) =>
    x >= b.left && x < b.left + b.width && y >= b.top && y < b.top + b.height);
  const inPicture = (at) => {
    const p = panelAt(at);
    if (p < 0) return null;
    const { x, y, scale, tallness } = viewOf(p);
    return [(at[0] - x) / scale, (at[1] - y) / scale / tallness];
  };

  let turned = 0; // of a notch; a touch pad turns in small parts
  on(canvas, "wheel", (event) => {
    event.preventDefault();
    if (!volume) return;
    takeKeys();
    const notches = event.deltaY / (event.deltaMode ? 3 : 100);
    if (event.ctrlKey) {
      zoom(1.17 ** -(event.deltaMode ? notches : 4 * notches), inPicture(onCanvas(event)));
      return;
    }
    turned = turned * notches < 0 ? notches : turned + notches;
    const whole = Math.abs(notches) >= 0.75 ? Math.round(turned) || Math.sign(notches) : Math.trunc(turned * 2);
    if (whole) turned = 0;
    go(slice + whole);
  }, { passive: false });

  const grips = new Map();
  let held = null; // what the first pointer does
  on(canvas, "pointerdown", (event) => {
    if (!volume) return;
    takeKeys();
    const at = onCanvas(event);
    if (marking.down(event) || grips.size === 2) return;
    grips.set(event.pointerId, at);
    canvas.setPointerCapture(event.pointerId);
    if (grips.size === 2) held = { act: "pinch" };
    else if (at[0] < barWidth()) held = { act: "bar" };
    else if (event.button === 2) held = { act: "window", begin: at, from: [level, width] };
    else if (tool && event.button === 0) held = { act: "measure", begin: inPicture(at) };
    else held = { act: "move", panel: panelAt(at), moved: 0 };
    if (held.act === "bar") go(Math.floor((at[1] / canvas.height) * volume.slices));
  });
  on(canvas, "contextmenu", (event) => event.preventDefault());
  on(canvas, "pointermove", (event) => {
    if (!volume) return;
    const at = onCanvas(event);
    pointer = inPicture(at);
    if (marking.move(event)) return;
    const before = [...grips.values()];
    const last = grips.get(event.pointerId);
    if (last) {
      grips.set(event.pointerId, at);
      drag(last, at, before);
    }
    later();
  });
  on(canvas, "pointerleave", () => {
    pointer = null;
    if (volume) later();
  });

  function drag(last, at, before) {
    const acts = {
      bar: () => go(Math.floor((at[1] / canvas.height) * volume.slices)),
      window: () => {
        const [dx, dy] = [0, 1].map((n) => (at[n] - held.begin[n]) / unit());
        setWindow(held.from[0] - dy / 2, held.from[1] + dx / 2);
      },
      measure: () => {
        if (held.begin && pointer) measure = { kind: tool, slice, points: [held.begin, pointer] };
      },
      move: () => {
        held.moved += Math.hypot(at[0] - last[0], at[1] - last[1]);
        if (held.moved > 3 * unit() && held.panel >= 0) pan(at[0] - last[0], at[1] - last[1], held.panel);
      },
      pinch: () => {
        const now = [...grips.values()];
        if (before.length < 2 || now.length < 2) return;
        const apart = ([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]);
        const centre = ([a, b], n) => (a[n] + b[n]) / 2;
        pan(centre(now, 0) - centre(before, 0), centre(now, 1) - centre(before, 1));
        zoom(apart(now) / apart(before), inPicture([centre(now, 0), centre(now, 1)]));
      },
    };
    acts[held?.act]?.();
  }

  for (const name of ["pointerup", "pointercancel"]) {
    on(canvas, name, (event) => {
      const marked = marking.up(event);
      grips.delete(event.pointerId);
      const clicked = !marked && held?.act === "move" && held.moved <= 3 * unit();
      if (clicked && name === "pointerup" && held.panel >= 0) select(held.panel);
      if (!grips.size) held = null;
    });
  }

  const setTool = (name) => {
    if (!options.measures) return;
    tool = tool === name ? "" : name;
    later();
  };
  const acts = {
    fit: () => place("fit"),
    actual: () => place("actual"),
    in: () => zoom(STEP),
    out: () => zoom(1 / STEP),
    grey: () => {
      grey = !grey;
      setTables();
      later();
    },
    equal: () => {
      equal = !equal;
      place(mode);
    },
    length: () => setTool("length"),
    circle: () => setTool("circle"),
    remove: () => {
      measure = null;
      later();
    },
    full: () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else root.requestFullscreen?.();
    },
    help: () => {
      const help = root.querySelector(".help");
      help.hidden = !help.hidden;
      root.querySelector("[data-do=help]").setAttribute("aria-expanded", !help.hidden);
    },
  };
  on(root, "click", (event) => {
    const { do: act, level: l, width: w } = event.target.dataset ?? {};
    if (!volume) return;
    if (l) setWindow(Number(l), Number(w));
    acts[act]?.();
  });
  const far = () => canvas.height / 8;
  const keys = {
    ArrowUp: () => go(slice - 1), ArrowDown: () => go(slice + 1),
    ArrowLeft: () => go(slice - 1), ArrowRight: () => go(slice + 1),
    ",": () => go(slice - 1), ".": () => go(slice + 1), // also while arrows move a cross
    PageUp: () => go(slice - PAGE), PageDown: () => go(slice + PAGE),
    Home: () => go(0), End: () => go(volume.slices - 1),
    "+": acts.in, "=": acts.in, "-": acts.out, f: acts.fit, a: acts.actual,
    q: () => select(selected - 1), e: () => select(selected + 1),
    p: nextPreset, g: acts.grey, d: acts.equal, u: acts.full, h: acts.help,
    i: () => setWindow(level + 5, width), k: () => setWindow(level - 5, width),
    j: () => setWindow(level, width - 10), l: () => setWindow(level, width + 10),
    m: acts.length, c: acts.circle, x: acts.remove,
  };
  const moves = {
    ArrowUp: () => pan(0, far()), ArrowDown: () => pan(0, -far()),
    ArrowLeft: () => pan(far(), 0), ArrowRight: () => pan(-far(), 0),
  };
  // Arrows are the answers' only after Tab has led to one, as in the viewer of montages.
  let tabbed = false;
  function takeKeys() {
    tabbed = false;
    if (document.activeElement?.type === "radio") document.activeElement.blur();
  }
  on(document, "pointerdown", () => { tabbed = false; }, { capture: true });
  const MOVING = /^(Arrow|Page|Home|End)/;
  on(window, "keydown", (event) => {
    if (event.key === "Tab") tabbed = true;
    if (!volume || event.ctrlKey || event.altKey || event.metaKey) return;
    // Whoever sees no questions answers none.
    if (document.fullscreenElement && /^([1-9]|Backspace)$/.test(event.key)) event.stopPropagation();
    const field = event.target.closest?.("input, textarea, select");
    if (field && field.type !== "radio") return; // letters belong to a text
    if (field && tabbed && MOVING.test(event.key)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const act = (event.shiftKey && moves[key]) || keys[key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    takeKeys();
    act();
  }, { capture: true });
  return {
    show,
    close() {
      seen?.close();
      closing.abort();
      resized.disconnect();
      cancelAnimationFrame(waiting);
    },
  };
}

function drawnBar(table) {
  const bar = new OffscreenCanvas(1, 256);
  const image = new ImageData(1, 256);
  new Uint32Array(image.data.buffer).set(table.slice().reverse());
  bar.getContext("2d").putImageData(image, 0, 0);
  return bar;
}

// Seconds for which each slice was on the screen of a page that was seen and had the
// focus; they survive a reload. The desk sends them with Save.
function countSeen(token, slices) {
  const name = `seen-${token}`;
  const kept = JSON.parse(sessionStorage.getItem(name) || "null");
  const told = kept ?? { slices: {}, window_changes: 0 };
  let shown = null;
  let since = 0;
  let before = null;
  const seconds = () => (shown === null ? 0 : (performance.now() - since) / 1000);
  const looked = () => !document.hidden && document.hasFocus();
  const keep = () => sessionStorage.setItem(name, JSON.stringify(told));
  function leave() {
    const passed = seconds();
    if (shown !== null && passed >= LEAST) {
      const key = String(shown + 1);
      told.slices[key] = Math.round(1000 * ((told.slices[key] ?? 0) + passed)) / 1000;
      keep();
    }
    shown = null;
  }
  const counter = {
    leave,
    enter(k) { // null: it is still on its way
      before = k;
      if (shown === k || !looked()) return;
      leave();
      shown = k;
      since = performance.now();
    },
    changed() {
      told.window_changes += 1;
      keep();
    },
    has: (k) => String(k + 1) in told.slices || (shown === k && seconds() >= LEAST),
    count: () => Array.from({ length: slices }, (_, k) => k).filter(counter.has).length,
    report() {
      leave();
      counter.enter(before);
      return JSON.parse(JSON.stringify(told));
    },
    close() {
      leave();
      stop.abort();
      if (window.stackSeen === counter) delete window.stackSeen;
    },
  };
  const stop = new AbortController();
  const away = () => (looked() ? counter.enter(before) : leave());
  for (const [target, event] of [[document, "visibilitychange"], [window, "focus"], [window, "blur"]]) {
    target.addEventListener(event, away, { signal: stop.signal });
  }
  window.addEventListener("pagehide", leave, { signal: stop.signal });
  window.stackSeen = counter;
  return counter;
}
