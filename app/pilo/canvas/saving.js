// Puts what is shown into one picture, pixels as squares, with every ratio in it.
const GAP = 24;
const ABOVE = 64;
const BELOW = 76;
const LINE = 26;

function drawWhole(shown) {
  const times = Math.max(1, Math.round(512 / shown.size));
  const side = shown.size * times;
  const canvas = document.createElement("canvas");
  canvas.width = GAP + shown.panels.length * (side + GAP);
  canvas.height = ABOVE + side + BELOW + shown.captions.length * LINE + GAP / 2;
  const pen = canvas.getContext("2d", { alpha: false });
  pen.fillStyle = "#000";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingEnabled = false;
  const write = (text, x, y, size, colour, align = "left") => {
    pen.font = `${size}px sans-serif`;
    pen.textAlign = align;
    pen.fillStyle = colour;
    pen.fillText(text, x, y);
  };
  shown.panels.forEach((panel, index) => {
    const x = GAP + index * (side + GAP);
    const bar = ABOVE + side + 10;
    write(panel.title, x, 28, 22, "#eceff1");
    write(panel.unit, x + side, 28, 18, "#9aa1a8", "right");
    write(panel.note, x, 53, 18, "#d9b36c");
    pen.drawImage(panel.picture, x, ABOVE, side, side);
    write("R", x + 8, ABOVE + 22, 16, "#9aa1a8");
    write("L", x + side - 8, ABOVE + 22, 16, "#9aa1a8", "right");
    pen.drawImage(panel.ramp, x, bar, side, 14);
    pen.strokeStyle = "#969696";
    pen.strokeRect(x - 0.5, bar - 0.5, side + 1, 15);
    panel.ticks.forEach((tick, place) => {
      const align = ["left", "center", "right"][place];
      write(tick, x + (side * place) / 2, bar + 34, 16, "#d6d9dc", align);
    });
  });
  shown.captions.forEach((caption, index) => {
    const colour = index === shown.captions.length - 1 ? "#d9b36c" : "#9aa1a8";
    write(caption, GAP, ABOVE + side + BELOW + index * LINE, 18, colour);
  });
  return canvas;
}

async function savePicture(shown) {
  const blob = await new Promise((done) => drawWhole(shown).toBlob(done, "image/png"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `pilo_${shown.captions[0].toLowerCase().replaceAll(" ", "_")}.png`;
  link.click();
  URL.revokeObjectURL(link.href);
}
