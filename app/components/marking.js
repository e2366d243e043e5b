// Marks above a picture: drawn on a sheet of their own, so that no pixel of the picture
// changes, and placed by pointer or keys. Which marks there are is known to the questions
// (marks.js), under `window.marking`; picture and questions may come in any order.
//
// `view.frames()` says where pictures are on the canvas, in its pixels: the part that is
// seen (left, top, width, height), the upper left corner of the picture (x, y), its scale
// and tallness (of a pixel), its size (columns, rows), and what a mark in it needs besides
// (`about`: picture, panel, slice; `mm`: a place in the patient).
const NEAR = 4; // points: a pointer that moved less has clicked
const STEP_OF_CROSS = 8; // points; with Shift one pixel of the picture
const SVG = "http://www.w3.org/2000/svg";

function makeMarking(root, canvas, view, signal) {
  let sheet = null;
  let cross = null; // { frame, x, y } in the picture
  let corner = null; // first corner of a box by keys
  let drag = null; // { frame, from, to, box, id } by pointer
  const armed = () => window.marking?.armed ?? null;
  const unit = () => canvas.width / (canvas.clientWidth || canvas.width);
  const on = (target, name, listener) =>
    target.addEventListener(name, listener, { capture: true, signal });
  const shown = () => [...(window.marking?.questions ?? [])].filter((q) => q.seen());

  const inside = (frame, [x, y]) => [
    Math.min(frame.columns, Math.max(0, x)), Math.min(frame.rows, Math.max(0, y)),
  ];
  const toPicture = (frame, [cx, cy]) =>
    [(cx - frame.x) / frame.scale, (cy - frame.y) / frame.scale / frame.tallness];
  const toCanvas = (frame, [x, y]) =>
    [frame.x + x * frame.scale, frame.y + y * frame.scale * frame.tallness];
  // Index of the frame below a place on the canvas, -1 where none has the picture there.
  function frameAt([cx, cy]) {
    return view.frames().findIndex((f) => {
      if (cx < f.left || cy < f.top || cx >= f.left + f.width || cy >= f.top + f.height) return false;
      const [x, y] = toPicture(f, [cx, cy]);
      return x >= 0 && y >= 0 && x <= f.columns && y <= f.rows;
    });
  }

  const rounded = (n) => Math.round(100 * n) / 100;
  function placed(frame, from, to = null) {
    const question = armed();
    const [x, y] = to ? [0, 1].map((n) => Math.min(from[n], to[n])) : from;
    const mark = { ...frame.about, x: rounded(x), y: rounded(y) };
    let middle = [x, y];
    if (to) {
      const [wide, high] = [0, 1].map((n) => Math.abs(from[n] - to[n]));
      if (Math.min(wide, high) < 0.5) return false; // no box: a click
      Object.assign(mark, { width: rounded(wide), height: rounded(high) });
      middle = [x + wide / 2, y + high / 2];
    }
    if (frame.mm) mark.mm = frame.mm(...middle).map(rounded);
    question.add(mark);
    return true;
  }

  // -- By pointer: a click is a point, a drag a box; with points a drag moves the picture.

  function down(event) {
    const question = armed();
    if (!question || drag || event.button !== 0) return false;
    const at = placeOn(canvas, event);
    const n = frameAt(at);
    if (n < 0) return false;
    const frame = view.frames()[n];
    const from = toPicture(frame, at);
    drag = { n, at, from, to: from, box: question.tool === "box", id: event.pointerId, moved: 0 };
    cross = null; // until an arrow wants it again
    if (drag.box) canvas.setPointerCapture(event.pointerId);
    return drag.box;
  }

  function move(event) {
    if (!drag || event.pointerId !== drag.id) return false;
    const at = placeOn(canvas, event);
    drag.moved = Math.max(drag.moved, Math.hypot(at[0] - drag.at[0], at[1] - drag.at[1]));
    if (!drag.box) return false;
    const frame = view.frames()[drag.n];
    drag.to = inside(frame, toPicture(frame, at));
    draw();
    return true;
  }

  function up(event) {
    if (!drag || event.pointerId !== drag.id) return false;
    const { n, from, to, box, moved } = drag;
    drag = null;
    const frame = view.frames()[n];
    const ended = event.type === "pointerup" && armed() && frame;
    const did = ended && (box ? placed(frame, from, to) : moved <= NEAR * unit() && placed(frame, from));
    draw();
    return Boolean(did || box);
  }

  // -- By keys: a cross that arrows move

  function begin() {
    const frames = view.frames();
    if (!frames.length) return;
    const n = Math.max(0, view.first?.() ?? 0);
    const f = frames[n];
    const middle = toPicture(f, [f.left + f.width / 2, f.top + f.height / 2]);
    cross = { n, at: inside(f, middle) };
  }

  function shift(dx, dy, fine) {
    if (!cross) begin();
    const frame = view.frames()[cross.n];
    const step = fine ? 1 : Math.max(1, (STEP_OF_CROSS * unit()) / frame.scale);
    cross.at = inside(frame, [cross.at[0] + dx * step, cross.at[1] + dy * step]);
    follow();
    armed().tell(cross.at.map(Math.round));
    draw();
  }

  // Moves the picture so that the cross is seen.
  function follow() {
    const f = view.frames()[cross.n];
    const [cx, cy] = toCanvas(f, cross.at);
    const edge = 24 * unit();
    const over = (at, low, room) =>
      Math.max(0, low + edge - at) - Math.max(0, at - (low + room - edge));
    const [dx, dy] = [over(cx, f.left, f.width), over(cy, f.top, f.height)];
    if (dx || dy) view.pan(dx, dy, cross.n);
  }

  function enter() {
    if (!cross) begin();
    const frame = view.frames()[cross.n];
    if (armed().tool !== "box") {
      placed(frame, cross.at);
    } else if (!corner) {
      corner = [...cross.at];
    } else if (placed(frame, corner, cross.at)) {
      corner = null;
    }
    draw();
  }

  function escape() {
    if (corner) corner = null;
    else armed().disarm();
    draw();
  }

  const KEYS = {
    ArrowLeft: (e) => shift(-1, 0, e.shiftKey), ArrowRight: (e) => shift(1, 0, e.shiftKey),
    ArrowUp: (e) => shift(0, -1, e.shiftKey), ArrowDown: (e) => shift(0, 1, e.shiftKey),
    Enter: enter, Escape: escape, Delete: () => armed().remove(),
    // Whoever marks answers no other question by a stray key.
    Backspace: () => {},
  };
  on(window, "keydown", (event) => {
    const question = armed();
    if (!question || event.altKey || event.isComposing) return;
    const field = event.composedPath()[0];
    if (field.closest?.("input, textarea, select, button, a, summary")) return;
    const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    const digit = /^[0-9]$/.test(event.key) ? () => {} : null;
    const act = undo ? () => question.undo() : KEYS[event.key] ?? digit;
    if (!act || ((event.ctrlKey || event.metaKey) && !undo)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act(event);
  });

  // Whoever arms by a button goes on at the picture.
  on(document, "marks", (event) => {
    const question = armed();
    if (!question) {
      [cross, corner, drag] = [null, null, null];
      canvas.classList.remove("marking");
    } else if (event.detail?.armed) {
      begin();
      corner = null;
      canvas.tabIndex = 0;
      canvas.setAttribute("role", "application");
      canvas.setAttribute("aria-label", question.hint());
      canvas.classList.add("marking");
      canvas.focus({ preventScroll: true });
    }
    draw();
  });
  on(document, "marks-show", (event) => {
    view.show?.(event.detail);
    draw();
  });

  // -- The sheet

  function draw() {
    const any = armed() || shown().some((q) => q.marks?.length);
    if (!any && !sheet) return;
    if (!sheet) {
      sheet = document.createElementNS(SVG, "svg");
      sheet.setAttribute("class", "sheet");
      sheet.setAttribute("aria-hidden", "true"); // the list beside the picture says it
      canvas.after(sheet);
    }
    sheet.setAttribute("viewBox", `0 0 ${canvas.width} ${canvas.height}`);
    sheet.style.width = `${canvas.clientWidth}px`;
    sheet.style.height = `${canvas.clientHeight}px`;
    sheet.replaceChildren();
    view.frames().forEach((frame, n) => {
      const part = element("svg", {
        x: frame.left, y: frame.top, width: frame.width, height: frame.height,
        viewBox: `${frame.left} ${frame.top} ${frame.width} ${frame.height}`,
        overflow: "hidden",
      });
      for (const question of shown()) {
        (question.marks ?? []).forEach((mark, place) => {
          if (!isHere(mark, frame)) return;
          drawMark(part, frame, mark, `${place + 1}`, question.chosen === place);
        });
      }
      if (armed()) drawCross(part, frame, n);
      sheet.append(part);
    });
    root.dataset.marks = String(shown().reduce((sum, q) => sum + (q.marks?.length ?? 0), 0));
  }

  const isHere = (mark, frame) =>
    (mark.picture ?? 1) === (frame.about.picture ?? 1) && mark.slice === frame.about.slice;

  function drawMark(part, frame, mark, name, chosen) {
    const ratio = unit();
    const [cx, cy] = toCanvas(frame, [mark.x, mark.y]);
    const [right, below] = toCanvas(frame, [mark.x + (mark.width ?? 0), mark.y + (mark.height ?? 0)]);
    const kind = chosen ? "mark chosen" : "mark";
    const r = 7 * ratio;
    const d = mark.width === undefined
      ? `M${cx - r} ${cy}h${0.7 * r}M${cx + 0.3 * r} ${cy}h${0.7 * r}M${cx} ${cy - r}v${0.7 * r}M${cx} ${cy + 0.3 * r}v${0.7 * r}`
      : `M${cx} ${cy}H${right}V${below}H${cx}Z`;
    for (const line of ["under", "over"]) part.append(element("path", { d, class: `${kind} ${line}` }));
    const text = element("text", {
      x: right + 6 * ratio, y: cy - 5 * ratio, class: kind, "font-size": 13 * ratio,
    });
    text.textContent = name;
    part.append(text);
  }

  function drawCross(part, frame, n) {
    const open = drag?.box && drag.n === n ? [drag.from, drag.to]
      : corner && cross?.n === n ? [corner, cross.at] : null;
    if (open) {
      const [[ax, ay], [bx, by]] = open.map((at) => toCanvas(frame, at));
      part.append(element("path", { d: `M${ax} ${ay}H${bx}V${by}H${ax}Z`, class: "open" }));
    }
    if (!cross || cross.n !== n) return;
    const [cx, cy] = toCanvas(frame, cross.at);
    const [gap, far] = [4 * unit(), 16 * unit()];
    const d = [[1, 0], [-1, 0], [0, 1], [0, -1]]
      .map(([a, b]) => `M${cx + a * gap} ${cy + b * gap}L${cx + a * far} ${cy + b * far}`).join("");
    for (const line of ["under", "over"]) part.append(element("path", { d, class: `cross ${line}` }));
  }

  return { draw, down, move, up };
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
