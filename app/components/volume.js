// A container of slices as docs/file-formats.md describes it, and what is counted in it:
// values, greys and colours, where panels stand, length and mean. Nothing here is drawn.
const HEAD = 128; // bytes of the affine
const BLACK = 0xff000000;
const AGAIN = 1500; // ms until a lost connection is tried again

// A volume that takes its bytes as they come: the affine, then the slices from the middle
// one outwards.
function emptyVolume(layout) {
  const { slices, rows, columns, panels } = layout;
  const area = rows * columns;
  const sizes = panels.map((panel) => area * (panel.dtype === "int16" ? 2 : 1));
  const slice = sizes.reduce((sum, size) => sum + size, 0);
  const buffer = new ArrayBuffer(HEAD + slices * slice);
  const bytes = new Uint8Array(buffer);
  const affine = new Float64Array(buffer, 0, 16);
  const order = outwards(slices);
  const turn = order.map((_, k) => order.indexOf(k));
  let got = 0;
  // Where a byte of what comes belongs, and how many after it belong there too.
  const place = () => {
    if (got < HEAD) return [got, HEAD - got];
    const [n, passed] = [Math.floor((got - HEAD) / slice), (got - HEAD) % slice];
    return n < slices ? [HEAD + order[n] * slice + passed, slice - passed] : null;
  };
  const volume = {
    slices, rows, columns, panels, area,
    get got() { return got; },
    get spacing() { return [Math.abs(affine[0]) || 1, Math.abs(affine[5]) || 1]; },
    // mm in the patient of a column, row and slice, the middles of voxels being whole.
    place: (at) => [0, 1, 2].map((n) => affine[4 * n + 3]
      + at.reduce((sum, value, m) => sum + affine[4 * n + m] * value, 0)),
    level: (k) => k * affine[10],
    has: (k) => got >= HEAD + (turn[k] + 1) * slice,
    whole: () => got >= buffer.byteLength,
    values(k, p) {
      const begin = HEAD + k * slice + sizes.slice(0, p).reduce((sum, size) => sum + size, 0);
      return panels[p].dtype === "int16"
        ? new Int16Array(buffer, begin, area) : new Uint8Array(buffer, begin, area);
    },
    take(come) {
      let left = come;
      while (left.length && place()) {
        const [at, room] = place();
        bytes.set(left.subarray(0, room), at);
        got += Math.min(room, left.length);
        left = left.subarray(room);
      }
    },
  };
  return volume;
}

function outwards(slices) {
  const middle = Math.floor(slices / 2);
  return Array.from({ length: slices }, (_, n) => middle + (n % 2 ? -1 : 1) * Math.ceil(n / 2));
}

// Takes what an answer still has to give, and tells of each part.
async function drain(answer, volume, told = () => {}) {
  const reader = answer.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    volume.take(part.value);
    told();
  }
}

// Fetches what a volume still lacks, again and again where the connection is lost. Gives
// false if the server has nothing more for it.
async function fetchRest(volume, reading, told, signal) {
  while (!volume.whole()) {
    const headers = { "X-Reading": reading, Range: `bytes=${volume.got}-` };
    try {
      const answer = await fetch("slices", { headers, credentials: "same-origin", signal });
      if (answer.status === 401 || answer.status === 404) return false;
      if (answer.status === 206 || (answer.ok && !volume.got)) await drain(answer, volume, told);
    } catch {
      if (signal.aborted) return true;
    }
    if (!volume.whole()) await new Promise((done) => setTimeout(done, AGAIN));
  }
  return true;
}

function isWindowed(panel) {
  return panel.dtype === "int16";
}

// Colours of all values of a panel as pixels of a canvas. A grey is rounded half up.
function windowTable(low, high) {
  const table = new Uint32Array(65536);
  for (let index = 0; index < 65536; index += 1) {
    const value = (index << 16) >> 16; // as int16
    const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
    table[index] = BLACK | (Math.floor(255 * share + 0.5) * 0x010101);
  }
  return table;
}

function colourTable(panel, grey) {
  return Uint32Array.from({ length: 256 }, (_, code) => {
    if (grey || !panel.colours) return BLACK | (code * 0x010101);
    const [r, g, b] = [0, 2, 4].map((at) => parseInt(panel.colours.substr(6 * code + at, 2), 16));
    return (BLACK | (b << 16) | (g << 8) | r) >>> 0;
  });
}

function paintSlice(values, table, pixels) {
  const mask = table.length - 1; // an int16 is looked up by its bits
  for (let n = 0; n < pixels.length; n += 1) pixels[n] = table[values[n] & mask];
}

function valueText(panel, value) {
  if (isWindowed(panel)) return `${value} ${panel.unit}`;
  const step = (panel.high - panel.low) / 255;
  const digits = Math.max(0, Math.ceil(-Math.log10(step)));
  if (value === 0) return `${panel.low} or outside`;
  return `${(panel.low + value * step).toFixed(digits)} ${panel.unit}`;
}

// The part of the slice in the middle that is not background, with a margin.
function tissueBox(volume) {
  const { rows, columns } = volume;
  const values = volume.values(Math.floor(volume.slices / 2), 0);
  let [left, right, top, bottom] = [columns, -1, rows, -1];
  for (let r = 0; r < rows; r += 1) {
    for (let c = 0; c < columns; c += 1) {
      if (Math.abs(values[r * columns + c] - values[0]) < 6) continue;
      left = Math.min(left, c);
      right = Math.max(right, c);
      top = Math.min(top, r);
      bottom = Math.max(bottom, r);
    }
  }
  if (right < left) return { left: 0, top: 0, width: columns, height: rows };
  const margin = 0.04 * columns;
  return {
    left: left - margin, top: top - margin,
    width: right - left + 1 + 2 * margin, height: bottom - top + 1 + 2 * margin,
  };
}

// Where the panels stand: the selected one large and the others beside or below it, or
// all of one size.
function placePanels(n, selected, width, height, equal) {
  if (n === 1) return [{ left: 0, top: 0, width, height }];
  if (equal) return grid(n, width, height);
  const tall = height > 1.1 * width;
  const [long, across] = tall ? [height, width] : [width, height];
  const small = { along: Math.min((1.15 * across) / (n - 1), 0.42 * long), across: across / (n - 1) };
  const boxes = [];
  let next = 0;
  for (let p = 0; p < n; p += 1) {
    const large = p === selected;
    const [a, b, wide, high] = large
      ? [0, 0, long - small.along, across]
      : [long - small.along, next * small.across, small.along, small.across];
    if (!large) next += 1;
    const [left, top, w, h] = tall ? [b, a, high, wide] : [a, b, wide, high];
    const [x, y] = [Math.round(left), Math.round(top)];
    boxes.push({
      left: x, top: y, width: Math.round(left + w) - x, height: Math.round(top + h) - y,
    });
  }
  return boxes;
}

function grid(n, width, height) {
  const size = (c) => Math.min(width / c, height / Math.ceil(n / c));
  const counts = Array.from({ length: n }, (_, c) => c + 1);
  const across = counts.reduce((best, c) => (size(c) > size(best) ? c : best));
  const [w, h] = [Math.floor(width / across), Math.floor(height / Math.ceil(n / across))];
  return Array.from({ length: n }, (_, p) => ({
    left: (p % across) * w, top: Math.floor(p / across) * h, width: w, height: h,
  }));
}

function lengthOf(volume, [from, to]) {
  return Math.hypot(...[0, 1].map((n) => (to[n] - from[n]) * volume.spacing[n]));
}

// Mean and spread of what has its middle within the circle around the first point. Code 0
// of a map is no value and does not count.
function meanInCircle(volume, p, k, points) {
  const radius = lengthOf(volume, points);
  const [across, down] = volume.spacing;
  const panel = volume.panels[p];
  const values = volume.values(k, p);
  const step = isWindowed(panel) ? 1 : (panel.high - panel.low) / 255;
  const first = isWindowed(panel) ? 0 : panel.low;
  let [n, sum, squares] = [0, 0, 0];
  for (let r = 0; r < volume.rows; r += 1) {
    for (let c = 0; c < volume.columns; c += 1) {
      const apart = Math.hypot((c + 0.5 - points[0][0]) * across, (r + 0.5 - points[0][1]) * down);
      const value = values[r * volume.columns + c];
      if (apart > radius || (value === 0 && !isWindowed(panel))) continue;
      n += 1;
      sum += first + step * value;
      squares += (first + step * value) ** 2;
    }
  }
  const mean = sum / n;
  return { n, mean, deviation: Math.sqrt(Math.max(0, squares / n - mean * mean)) };
}
