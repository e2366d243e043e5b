// Reads what app/pilo/wire.py wrote.
async function readMessage(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begin = 4 + view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, begin)));
  let at = begin;
  const next = (length) => bytes.slice(at, (at += length));
  const untouched = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const decode = (png) =>
    createImageBitmap(new Blob([png], { type: "image/png" }), untouched);
  for (const panel of header.panels) {
    const [picture, ramp, values] = panel.lengths.map(next);
    panel.values = new Int16Array(values.buffer);
    [panel.picture, panel.ramp] = await Promise.all([decode(picture), decode(ramp)]);
  }
  return header;
}
