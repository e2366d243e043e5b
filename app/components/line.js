// A line from 0 to 100 without a mark until the reader sets one: no answer is suggested.
const SEND = 250; // ms after the last key; a drag is sent when it ends

export default function ({ data, parentElement, setStateValue }) {
  const box = parentElement.querySelector(".line");
  if (box.dataset.made) return undefined;
  box.dataset.made = "yes";
  const range = box.querySelector("input");
  const said = box.querySelector("output");
  const ends = box.querySelectorAll(".ends span");
  data.ends.forEach((end, n) => { ends[n].textContent = end; });
  range.setAttribute("aria-label", data.label);
  let waiting = 0;
  const send = () => {
    if (!waiting) return;
    clearTimeout(waiting);
    waiting = 0;
    setStateValue("mark", Number(range.value));
  };
  const show = () => {
    box.dataset.marked = "yes";
    said.textContent = range.value;
    range.setAttribute("aria-valuetext", range.value);
    box.dispatchEvent(new Event("marked", { bubbles: true }));
  };
  const mark = () => {
    show();
    clearTimeout(waiting);
    waiting = setTimeout(send, SEND);
  };
  range.addEventListener("input", mark);
  range.addEventListener("click", mark); // also where the mark is already
  range.addEventListener("blur", send);
  range.addEventListener("keydown", (event) => {
    if (!/^[0-9]$/.test(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    range.value = 10 * Number(event.key);
    mark();
  });
  if (data.kept === null) {
    range.value = 50;
    range.setAttribute("aria-valuetext", data.unmarked);
  } else {
    range.value = data.kept;
    show();
  }
  return undefined;
}
