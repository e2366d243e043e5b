// A canvas that has the pixels of the screen, for pictures that must not be resampled.

// Its size in points times their ratio is not whole, and a canvas that is stretched by a
// part of a pixel blurs all of them: `then` is called once it has the size of the screen.
function watchSize(canvas, then) {
  const watcher = new ResizeObserver(([seen]) => {
    const ratio = window.devicePixelRatio || 1;
    const size = [seen.contentRect.width * ratio, seen.contentRect.height * ratio];
    const told = seen.devicePixelContentBoxSize?.[0];
    const exact = told ? [told.inlineSize, told.blockSize] : [];
    // A ratio that is only emulated is not in what is told.
    const right = told && exact.every((n, i) => Math.abs(n - size[i]) <= 1);
    [canvas.width, canvas.height] = right ? exact : size.map(Math.round);
    then();
  });
  try {
    watcher.observe(canvas, { box: "device-pixel-content-box" });
  } catch { // Safari does not tell
    watcher.observe(canvas);
  }
  return watcher;
}

// Where an event of a pointer is, in pixels of the canvas.
function placeOn(canvas, event) {
  const box = canvas.getBoundingClientRect();
  const ratio = canvas.width / box.width;
  return [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
}
