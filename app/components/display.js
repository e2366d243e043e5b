// A grey ramp with two near-black and near-white squares, and the size of the window.
const STEPS = 18;

export default function ({ parentElement, setStateValue }) {
  const ramp = parentElement.querySelector(".ramp");
  if (!ramp.childElementCount) {
    for (let i = 0; i < STEPS; i += 1) {
      const level = Math.round((255 * i) / (STEPS - 1));
      ramp.append(square(level));
    }
    const corners = parentElement.querySelector(".corners");
    for (const [ground, patch] of [[0, 13], [255, 242]]) {
      const field = square(ground);
      const inner = document.createElement("span");
      inner.style.background = `rgb(${patch}, ${patch}, ${patch})`;
      field.append(inner);
      corners.append(field);
    }
  }
  const text = parentElement.querySelector("p");
  let told = "";
  const tell = () => {
    const size = {
      width: window.innerWidth,
      height: window.innerHeight,
      ratio: Math.round(window.devicePixelRatio * 1000) / 1000,
    };
    text.textContent =
      `Window: ${size.width} x ${size.height}, zoom ${Math.round(size.ratio * 100)} %`;
    if (JSON.stringify(size) === told) return;
    told = JSON.stringify(size);
    setStateValue("size", size);
  };
  if (parentElement.telling) window.removeEventListener("resize", parentElement.telling);
  let waiting = 0;
  parentElement.telling = () => {
    clearTimeout(waiting);
    waiting = setTimeout(tell, 250);
  };
  window.addEventListener("resize", parentElement.telling);
  if (!parentElement.told) {
    parentElement.told = true;
    tell();
  }
  return atEnd(parentElement, () => window.removeEventListener("resize", parentElement.telling));
}

function square(level) {
  const box = document.createElement("div");
  box.style.background = `rgb(${level}, ${level}, ${level})`;
  return box;
}
