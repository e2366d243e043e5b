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
      return { columns, panel, strip };
    }
  }
  return null;
}

// Draws the strip along the upper edge, each title in the middle of what is seen of its
// column, and not larger than a share of the canvas.
const SHARE = 0.14;

function pinStrip(context, bitmap, form, at) {
  const { width, height } = context.canvas;
  const size = Math.min(at.scale, (SHARE * height) / form.strip);
  const cell = form.panel * size;
  context.fillStyle = "#000";
  context.fillRect(0, 0, width, Math.ceil(form.strip * size) + 1);
  context.imageSmoothingEnabled = size !== at.scale || size < 1;
  for (let column = 0; column < form.columns; column += 1) {
    const left = at.x + column * form.panel * at.scale;
    const right = left + form.panel * at.scale;
    const middle = (Math.max(left, 0) + Math.min(right, width)) / 2;
    const place = Math.min(right - cell, Math.max(left, middle - cell / 2));
    context.drawImage(
      bitmap, column * form.panel, 0, form.panel, form.strip,
      place, 0, cell, form.strip * size,
    );
  }
  context.fillStyle = "#3a4047";
  context.fillRect(0, Math.ceil(form.strip * size), width, 1);
}
