// The strip with titles and colour bars above the panels of a montage, told from the
// size of the picture alone: square panels in columns, under a strip 0.28 of a panel high
// (docs/file-formats.md). Pictures of another form have none.
const STRIP = 0.28;
const COLUMNS = [5, 6, 4, 3, 2];
const LEAST_PANEL = 96;

function montageForm(width, height) {
  for (const columns of COLUMNS) {
    const panel = width / columns;
    const strip = Math.round(panel * STRIP);
    const rows = (height - strip) / panel;
    if (panel >= LEAST_PANEL && Number.isInteger(panel) && Number.isInteger(rows) && rows > 0) {
      return { columns, panel, strip, rows };
    }
  }
  return null;
}

// Draws the strip along the upper edge, not larger than a share of the canvas: each title
// in the middle of what is seen of its column, but the letters of the sides where the
// sides of the panel are, and only where such a side is seen. In the middle of what is
// seen they would stand over the wrong half of a brain.
const SHARE = 0.14;
const LETTER = 0.09; // of a panel: from its side to behind the letter
const LETTERS_HIGH = 0.125; // the bars begin below

function pinnedHeight(height, form, scale) {
  return Math.min(scale, (SHARE * height) / form.strip) * form.strip;
}

function pinStrip(context, bitmap, form, at) {
  const { width, height } = context.canvas;
  const size = pinnedHeight(height, form, at.scale) / form.strip;
  const cell = form.panel * size;
  const [wide, tall] = [LETTER, LETTERS_HIGH].map((share) => Math.round(share * form.panel));
  const letter = wide * size;
  context.fillStyle = "#000";
  context.fillRect(0, 0, width, Math.ceil(form.strip * size) + 1);
  context.imageSmoothingEnabled = size !== at.scale || size < 1;
  const copy = (from, across, down, to) => context.drawImage(
    bitmap, from, 0, across, down, to, 0, across * size, down * size,
  );
  for (let column = 0; column < form.columns; column += 1) {
    const first = column * form.panel; // in the picture
    const left = at.x + first * at.scale;
    const right = left + form.panel * at.scale;
    const middle = (Math.max(left, 0) + Math.min(right, width)) / 2;
    const place = Math.min(right - cell, Math.max(left, middle - cell / 2));
    copy(first, form.panel, form.strip, place);
    context.fillRect(place, 0, letter, tall * size);
    context.fillRect(place + cell - letter, 0, letter, tall * size);
    if (left >= 0 && left + letter <= width) copy(first, wide, tall, left);
    if (right - letter >= 0 && right <= width) {
      copy(first + form.panel - wide, wide, tall, right - letter);
    }
  }
  context.fillStyle = "#3a4047";
  context.fillRect(0, Math.ceil(form.strip * size), width, 1);
}

// Seconds for which each row was on the screen of a page that was seen and had the focus;
// they survive a reload. The desk sends them with Save, as those of slices.
const LOOKED = 0.1; // s; what is only scrolled past was not seen

function countRows(token, rows, then) {
  const name = `seen-${token}`;
  const told = JSON.parse(sessionStorage.getItem(name) || "null") ?? { slices: {}, window_changes: 0 };
  let shown = [0, 0];
  let since = null;
  let soon = 0;
  const looked = () => !document.hidden && document.hasFocus();
  function take() {
    const passed = since === null ? 0 : (performance.now() - since) / 1000;
    since = looked() ? performance.now() : null;
    if (passed < LOOKED) return;
    for (let row = shown[0] + 1; row <= shown[1]; row += 1) {
      told.slices[row] = Math.round(1000 * ((told.slices[row] ?? 0) + passed)) / 1000;
    }
    sessionStorage.setItem(name, JSON.stringify(told));
  }
  function wait() {
    clearTimeout(soon);
    soon = setTimeout(() => { take(); then(); }, 1000 * LOOKED + 50);
  }
  const counter = {
    show(first, last) {
      if (first === shown[0] && last === shown[1]) return;
      take();
      shown = [first, last];
      wait();
    },
    left: () => rows - Object.keys(told.slices).length,
    report() {
      take();
      return JSON.parse(JSON.stringify(told));
    },
    close() {
      take();
      clearTimeout(soon);
      stop.abort();
      if (window.stackSeen === counter) delete window.stackSeen;
    },
  };
  const stop = new AbortController();
  for (const [target, event] of [[document, "visibilitychange"], [window, "focus"], [window, "blur"]]) {
    target.addEventListener(event, () => { take(); wait(); }, { signal: stop.signal });
  }
  window.addEventListener("pagehide", take, { signal: stop.signal });
  window.stackSeen = counter;
  return counter;
}
