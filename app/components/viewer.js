// Shows the bytes of one PNG on a canvas. A scale of 1 puts one picture pixel on one
// pixel of the screen, untouched; enlarged pixels stay squares.
const LARGEST = 16;
const STEP = 1.25;
const LETTERS = "ABCDEFGH";
const GAP = 6; // points between pictures side by side
const HEAD = 28; // points above them, for their letters

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".viewer");
  if (!root.viewer) root.viewer = makeViewer(root);
  const { told, bytes } = openLetter(data);
  const here = bytes ? { bytes } : takeAhead(told.ahead);
  if (here) root.viewer.show(here, told);
  else if (!root.dataset.scale) setStateValue("missing", told.ahead);
  return atEnd(parentElement, () => {
    root.viewer?.close();
    root.viewer = null;
  });
}

// A picture comes alone, or, where the page must tell something, after a length and as
// much JSON.
function openLetter(data) {
  if (!(data instanceof Uint8Array)) return { told: data, bytes: null };
  const length = new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  if (4 + length > data.length) return { told: {}, bytes: data }; // how a PNG begins
  const told = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)));
  return { told, bytes: data.subarray(4 + length) };
}

// Files of a study are equally long and differ in their random ends; a rerun of the page
// sends the same file again.
function sameEnd(one, other) {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  const end = other.subarray(-64);
  return one.subarray(-64).every((byte, n) => byte === end[n]);
}

function decode(bytes) {
  const blob = new Blob([bytes], { type: "image/png" });
  const asItIs = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  return createImageBitmap(blob, asItIs);
}

function makeViewer(root) {
  const canvas = root.querySelector("canvas");
  const context = canvas.getContext("2d", { alpha: false });
  const notice = root.querySelector(".notice");
  const label = root.querySelector("output");
  const closing = new AbortController();
  const on = (target, name, listener, options = {}) =>
    target.addEventListener(name, listener, { ...options, signal: closing.signal });
  let bitmap = null;
  let panes = 1; // pictures side by side in the one that came, all moved together
  let form = null; // of the montage, if it is one
  let shown = null;
  let counted = null; // rows that were on the screen, where all must have been
  let mode = "begin";
  let scale = 1;
  let x = 0; // left upper corner of the picture on the canvas
  let y = 0;

  function show({ bytes, decoded }, told) {
    if (shown && sameEnd(bytes, shown)) return;
    shown = bytes;
    counted?.close();
    counted = null;
    (decoded ?? decode(bytes))
      .then((picture) => {
        bitmap = picture;
        panes = told.pictures ?? 1;
        form = montageForm(wide(), bitmap.height);
        if (form && told.all_rows) counted = countRows(told.token, form.rows, draw);
        notice.textContent = "";
        place("begin");
        root.dataset.painted = performance.now();
        fetchAhead(async (answer) => {
          const next = new Uint8Array(await answer.arrayBuffer());
          const ready = decode(next);
          ready.catch(() => {}); // said when it is shown
          return { bytes: next, decoded: ready };
        });
      })
      .catch(() => {
        notice.textContent = "The picture cannot be shown; please tell the coordinator.";
      });
  }

  const wide = () => bitmap.width / panes; // of one picture
  const isPinned = () => Boolean(panes === 1 && form && (y < 0 || x < 0));

  // Where the pictures are, for marks on them.
  function frames() {
    if (!bitmap) return [];
    const own = room();
    const top = isPinned() ? pinnedHeight(canvas.height, form, scale) : own.head;
    return Array.from({ length: panes }, (_, pane) => {
      const left = pane * (own.width + own.gap);
      return {
        left, top, width: own.width, height: canvas.height - top,
        x: left + Math.round(x), y: own.head + Math.round(y), scale, tallness: 1,
        columns: wide(), rows: bitmap.height, about: panes > 1 ? { picture: pane + 1 } : {},
      };
    });
  }
  const marking = makeMarking(root, canvas, { frames, pan, show: reveal }, closing.signal);

  // Moves the picture so that a mark is seen.
  function reveal(mark) {
    const own = room();
    const at = [x + mark.x * scale, y + mark.y * scale];
    const over = (place, size) => (place < 0.1 * size || place > 0.9 * size ? size / 2 - place : 0);
    const [dx, dy] = [over(at[0], own.width), over(at[1], own.height)];
    if (dx || dy) pan(dx, dy);
  }

  // What one picture has of the canvas.
  function room() {
    if (panes === 1) return { width: canvas.width, height: canvas.height, gap: 0, head: 0 };
    const ratio = canvas.width / Math.max(1, canvas.clientWidth);
    const [gap, head] = [Math.round(GAP * ratio), Math.round(HEAD * ratio)];
    const width = Math.floor((canvas.width - gap * (panes - 1)) / panes);
    return { width, height: canvas.height - head, gap, head };
  }

  function place(how) {
    if (!bitmap || !canvas.width) return;
    mode = how;
    const own = room();
    const whole = Math.min(own.width / wide(), own.height / bitmap.height);
    const width = own.width / wide();
    if (how === "fit") scale = whole;
    if (how === "width") scale = width;
    if (how === "actual") scale = 1;
    // A montage begins at its top and as wide as there is room: its rows are scrolled
    // through. So does a long picture of another form.
    if (how === "begin") scale = form || whole < 0.4 ? width : whole;
    if (how === "actual") {
      x = (own.width - wide()) / 2;
      y = (own.height - bitmap.height) / 2;
    } else {
      x = (own.width - wide() * scale) / 2;
      y = 0;
    }
    draw();
  }

  function zoom(factor, atX = room().width / 2, atY = room().height / 2) {
    if (!bitmap) return;
    const own = room();
    const smallest = Math.min(1, own.width / wide(), own.height / bitmap.height);
    let wanted = Math.min(LARGEST, Math.max(smallest, scale * factor));
    if ((scale - 1) * (wanted - 1) < 0) wanted = 1; // never past 1:1 without showing it
    x = atX - ((atX - x) * wanted) / scale;
    y = atY - ((atY - y) * wanted) / scale;
    scale = wanted;
    mode = "free";
    draw();
  }

  function pan(dx, dy) {
    x += dx;
    y += dy;
    if (mode !== "actual") mode = "free";
    draw();
  }

  function inside(start, length, room) {
    if (length <= room) return (room - length) / 2;
    return Math.min(0, Math.max(room - length, start));
  }

  function draw() {
    if (!bitmap) return;
    const own = room();
    const width = wide() * scale;
    const height = bitmap.height * scale;
    x = inside(x, width, own.width);
    y = inside(y, height, own.height);
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = scale < 1;
    context.imageSmoothingQuality = "high";
    if (panes === 1) context.drawImage(bitmap, Math.round(x), Math.round(y), width, height);
    else for (let pane = 0; pane < panes; pane += 1) drawPane(pane, own, width, height);
    const pinned = isPinned();
    if (pinned) pinStrip(context, bitmap, form, { x: Math.round(x), scale });
    const [first, last] = rowsOnScreen();
    counted?.show(first, last);
    label.textContent = `${saidRows()}${Math.round(scale * 100)} %${saidLeft()}`;
    root.dataset.scale = scale;
    root.dataset.x = Math.round(x);
    root.dataset.y = Math.round(y);
    root.dataset.pinned = pinned ? "yes" : "no";
    root.dataset.pictures = panes;
    marking.draw();
  }

  // One of several pictures, with its letter above, cut off where the next one begins.
  function drawPane(pane, own, width, height) {
    const left = pane * (own.width + own.gap);
    context.save();
    context.beginPath();
    context.rect(left, own.head, own.width, own.height);
    context.clip();
    context.drawImage(
      bitmap, pane * wide(), 0, wide(), bitmap.height,
      left + Math.round(x), own.head + Math.round(y), width, height,
    );
    context.restore();
    context.fillStyle = "#0e1012";
    context.fillRect(left, 0, own.width, own.head);
    context.fillStyle = "#d6d9dc";
    context.font = `600 ${Math.round(0.6 * own.head)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(LETTERS[pane], left + own.width / 2, own.head / 2);
  }

  const stripHeight = () => (panes === 1 ? form.strip * scale : 0);

  // Which rows of a montage are on the screen, nine tenths of them, as [first, last[.
  function rowsOnScreen() {
    const own = room();
    if (!form || form.columns * form.panel * scale > 1.1 * own.width) return [0, 0];
    const row = (at) => (at - y) / scale / form.panel - form.strip / form.panel;
    const first = Math.max(0, Math.ceil(row(y < 0 ? stripHeight() : 0) - 0.1));
    return [first, Math.min(form.rows, Math.floor(row(own.height) + 0.1))];
  }

  // Which rows of a montage are seen, if not all are.
  function saidRows() {
    const own = room();
    if (!form || bitmap.height * scale <= own.height) return "";
    const row = (at) => (at - y) / scale / form.panel - form.strip / form.panel;
    const first = Math.max(0, Math.round(row(y < 0 ? stripHeight() : 0)));
    const last = Math.min(form.rows, Math.round(row(own.height)));
    const seen = last > first + 1 ? `Rows ${first + 1} to ${last}` : `Row ${first + 1}`;
    return `${seen} of ${form.rows} \u2002`;
  }

  function saidLeft() {
    const left = counted ? counted.left() : 0;
    return left ? ` \u2002${left} not yet seen` : "";
  }

  const resized = watchSize(canvas, () => (mode === "free" ? draw() : place(mode)));
  const onCanvas = (event) => placeOn(canvas, event);
  // The same in the picture's own part of the canvas.
  const onPicture = ([atX, atY]) => {
    const own = room();
    return panes === 1 ? [atX, atY] : [atX % (own.width + own.gap), atY - own.head];
  };

  on(canvas, "wheel", (event) => {
    event.preventDefault();
    takeKeys();
    const turned = event.deltaY / (event.deltaMode ? 3 : 100); // 1: a notch of a mouse
    if (!form || event.ctrlKey) { // Ctrl: also two fingers on a touch pad
      zoom(1.17 ** -(event.ctrlKey && !event.deltaMode ? 4 * turned : turned), ...onPicture(onCanvas(event)));
      return;
    }
    // A notch goes to the next row, as in a stack of slices; a touch pad glides.
    const rows = Math.abs(turned) < 0.75 ? turned : Math.round(turned);
    pan(0, -rows * form.panel * scale);
  }, { passive: false });
  const grips = new Map(); // where each finger, or the mouse, holds the picture
  const hold = () => {
    const held = [...grips.values()];
    const middle = [0, 1].map((n) => held.reduce((sum, p) => sum + p[n], 0) / held.length);
    const [one, other] = held;
    return { middle, apart: other ? Math.hypot(one[0] - other[0], one[1] - other[1]) : 0 };
  };
  on(canvas, "pointerdown", (event) => {
    takeKeys();
    if (marking.down(event) || grips.size === 2) return;
    grips.set(event.pointerId, onCanvas(event));
    canvas.setPointerCapture(event.pointerId);
    canvas.classList.add("dragging");
  });
  on(canvas, "pointermove", (event) => {
    if (marking.move(event) || !grips.has(event.pointerId)) return;
    const before = hold();
    grips.set(event.pointerId, onCanvas(event));
    const now = hold();
    pan(now.middle[0] - before.middle[0], now.middle[1] - before.middle[1]);
    if (before.apart && now.apart) zoom(now.apart / before.apart, ...onPicture(now.middle));
  });
  for (const name of ["pointerup", "pointercancel"]) {
    on(canvas, name, (event) => {
      marking.up(event);
      grips.delete(event.pointerId);
      if (!grips.size) canvas.classList.remove("dragging");
    });
  }
  const acts = {
    fit: () => place("fit"),
    width: () => place("width"),
    actual: () => place("actual"),
    in: () => zoom(STEP),
    out: () => zoom(1 / STEP),
  };
  on(root, "click", (event) => acts[event.target.dataset?.do]?.());
  const far = () => canvas.height / 8;
  // As many rows of a montage as there is room for, so that none is passed over.
  const page = () => {
    if (!form) return 6 * far();
    const row = form.panel * scale;
    return row * Math.max(1, Math.floor((room().height - stripHeight()) / row + 0.1));
  };
  const keys = {
    f: acts.fit, w: acts.width, a: acts.actual,
    "+": acts.in, "=": acts.in, "-": acts.out,
    ArrowUp: () => pan(0, far()), ArrowDown: () => pan(0, -far()),
    ArrowLeft: () => pan(far(), 0), ArrowRight: () => pan(-far(), 0),
    PageUp: () => pan(0, page()), PageDown: () => pan(0, -page()),
  };
  // Arrows are the answers' only after Tab has led to one. A click on an answer, or
  // whatever moves the picture, gives them to the picture: what was meant for it must
  // never change an answer.
  let tabbed = false;
  function takeKeys() {
    tabbed = false;
    if (document.activeElement?.type === "radio") document.activeElement.blur();
  }
  on(document, "pointerdown", () => { tabbed = false; }, { capture: true });
  on(document, "keydown", (event) => {
    if (event.key === "Tab") tabbed = true;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || event.ctrlKey || event.altKey || event.metaKey) return;
    const field = event.target.closest?.("input, textarea, select");
    if (field && field.type !== "radio") return; // letters belong to a text
    if (field && tabbed && event.key.startsWith("Arrow")) return;
    event.preventDefault();
    event.stopPropagation();
    takeKeys();
    act();
  }, { capture: true });
  return {
    show,
    close() {
      closing.abort();
      resized.disconnect();
      counted?.close();
      bitmap?.close();
    },
  };
}
