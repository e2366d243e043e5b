// The marks of one question: what draws them, and a list of them with label and
// confidence. They are placed on the picture (marking.js), which finds this under
// `window.marking`. Each change is sent at once, as an answer that is kept as a draft.
const TELL = 400; // ms after which the place of the cross is read out

export default function ({ data, parentElement, setStateValue }) {
  const box = parentElement.querySelector(".marks");
  if (!box.close) box.close = listMarks(box, data, setStateValue);
  return atEnd(parentElement, () => {
    box.close?.();
    box.close = null;
  });
}

function listMarks(box, data, setStateValue) {
  const { words, shapes, labels, confidence } = data;
  const shared = (window.marking ??= { questions: new Set(), armed: null });
  const closing = new AbortController();
  const on = (name, listener) => box.addEventListener(name, listener, { signal: closing.signal });
  const list = box.querySelector("ol");
  const hint = box.querySelector(".hint");
  const said = box.querySelector("output");
  const button = (what) => box.querySelector(`.draw [data-${what}]`);
  const before = []; // to be taken back
  let telling = 0;

  const question = {
    marks: data.kept === null ? null : JSON.parse(data.kept), // null: not answered
    tool: "",
    chosen: -1,
    seen: () => box.offsetParent !== null,
    hint: () => (question.tool === "box" ? words.box_hint : words.point_hint),
    tell(at) {
      clearTimeout(telling);
      telling = setTimeout(() => { said.textContent = at.join(", "); }, TELL);
    },
    add(mark) {
      change([...(question.marks ?? []), mark]);
      question.chosen = question.marks.length - 1;
      said.textContent = `${named(words.mark, question.chosen)}: ${where(mark)}`;
      redraw();
      if (question.marks.length >= data.at_most) question.disarm();
      list.lastElementChild.querySelector("select")?.focus();
    },
    remove(place = question.chosen) {
      if (!question.marks?.[place]) return;
      change(question.marks.filter((_, n) => n !== place));
      question.chosen = Math.min(place, question.marks?.length ?? 0) - 1;
      redraw();
    },
    undo() {
      if (!before.length) return;
      question.marks = JSON.parse(before.pop());
      question.chosen = -1;
      send();
      redraw();
    },
    arm(tool) {
      if (shared.armed && shared.armed !== question) shared.armed.disarm();
      [shared.armed, question.tool] = [question, tool];
      redraw({ armed: true });
    },
    disarm() {
      const tool = question.tool;
      question.tool = "";
      if (shared.armed === question) shared.armed = null;
      redraw();
      if (tool) button(`shape=${tool}`).focus({ preventScroll: true });
    },
  };

  function change(marks) {
    before.push(JSON.stringify(question.marks));
    question.marks = marks.length ? marks : null; // that there are none is said by a button
    send();
  }

  // A Save in the same moment waits until this has been sent (see desk.js).
  function send() {
    setStateValue("marks", question.marks === null ? null : JSON.stringify(question.marks));
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }

  const named = (text, place) => text.replace("{number}", place + 1);
  function where(mark) {
    const at = [mark.x, mark.y].map(Math.round).join(", ");
    const of = [mark.picture && "ABCDEFGH"[mark.picture - 1], mark.slice && `${words.slice} ${mark.slice}`];
    const size = mark.width === undefined ? "" : `, ${Math.round(mark.width)} x ${Math.round(mark.height)}`;
    return [...of.filter(Boolean), `${at}${size}`].join(": ");
  }

  // -- What is seen

  function redraw(detail = {}) {
    const n = question.marks?.length ?? 0;
    box.dataset.answered = question.marks === null ? "" : "yes";
    for (const shape of ["point", "box"]) {
      const one = button(`shape=${shape}`);
      one.hidden = !shapes.includes(shape);
      one.disabled = n >= data.at_most;
      one.setAttribute("aria-pressed", shared.armed === question && question.tool === shape);
    }
    button("do=undo").disabled = !before.length;
    button("do=nothing").disabled = n > 0;
    button("do=nothing").setAttribute("aria-pressed", question.marks !== null && n === 0);
    const full = n >= data.at_most ? words.full : "";
    hint.textContent = shared.armed === question ? question.hint() : full;
    hint.hidden = !hint.textContent;
    fill();
    document.dispatchEvent(new CustomEvent("marks", { detail }));
  }

  // Rows stay as they are where they can: a list that is open must not be replaced.
  function fill() {
    const marks = question.marks ?? [];
    while (list.children.length > marks.length) list.lastElementChild.remove();
    while (list.children.length < marks.length) list.append(row(list.children.length));
    marks.forEach((mark, place) => {
      const one = list.children[place];
      one.classList.toggle("chosen", place === question.chosen);
      one.querySelector(".which").textContent = where(mark);
      for (const key of ["label", "confidence"]) {
        const field = one.querySelector(`[data-key=${key}]`);
        const value = String(mark[key] ?? "");
        if (field && field.value !== value) field.value = value;
      }
    });
  }

  function row(place) {
    const one = document.createElement("li");
    const which = made("button", { type: "button", className: "which" });
    one.append(which);
    if (labels.length) one.append(choice(place, "label", words.label, labels));
    if (confidence) {
      const [low, high] = confidence;
      const steps = Array.from({ length: high - low + 1 }, (_, n) => low + n);
      one.append(choice(place, "confidence", words.confidence, steps));
    }
    const gone = made("button", { type: "button", className: "gone", textContent: "\u00d7" });
    gone.setAttribute("aria-label", named(words.remove, place));
    one.append(gone);
    return one;
  }

  function choice(place, key, name, options) {
    const field = made("select", {});
    field.dataset.key = key;
    field.setAttribute("aria-label", `${named(words.mark, place)}: ${name}`);
    field.append(made("option", { value: "", textContent: name }));
    for (const value of options) field.append(made("option", { value, textContent: value }));
    return field;
  }

  const made = (name, content) => Object.assign(document.createElement(name), content);
  const placeOf = (target) => [...list.children].indexOf(target.closest("li"));

  // -- What is done

  on("click", (event) => {
    const act = event.target.closest("button");
    if (!act) return;
    const { shape, do: what } = act.dataset;
    if (shape) {
      if (shared.armed === question && question.tool === shape) question.disarm();
      else question.arm(shape);
    } else if (what === "undo") {
      question.undo();
    } else if (what === "nothing") {
      before.push(JSON.stringify(question.marks));
      question.marks = question.marks === null ? [] : null;
      if (shared.armed === question) question.disarm();
      send();
      redraw();
      act.focus();
    } else if (act.className === "gone") {
      question.remove(placeOf(act));
      button("do=undo").focus(); // what had the focus is gone
    } else {
      choose(placeOf(act));
      document.dispatchEvent(new CustomEvent("marks-show", { detail: question.marks[question.chosen] }));
    }
  });
  on("focusin", (event) => {
    if (event.target.matches("select")) choose(placeOf(event.target));
  });
  on("change", (event) => {
    const field = event.target;
    if (!field.matches("select")) return;
    const place = placeOf(field);
    const mark = { ...question.marks[place], [field.dataset.key]: field.value };
    if (field.value === "") delete mark[field.dataset.key];
    else if (field.dataset.key === "confidence") mark.confidence = Number(field.value);
    before.push(JSON.stringify(question.marks));
    question.marks = question.marks.map((one, n) => (n === place ? mark : one));
    send();
    redraw();
  });
  on("keydown", (event) => {
    const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (undo) {
      event.preventDefault();
      question.undo();
    } else if (event.key === "Delete" && event.target.closest("li")) {
      event.preventDefault();
      question.remove(placeOf(event.target));
      button("do=undo").focus();
    } else if (event.target.matches("select") && /^(Enter|Escape)$/.test(event.key) && !event.ctrlKey) {
      event.preventDefault();
      leave(event.target);
    }
  });

  // On to what the mark still lacks; then back to the picture, if there is more to mark.
  function leave(field) {
    const next = [...field.closest("li").querySelectorAll("select")].find((f) => f.value === "");
    if (next && next !== field) next.focus();
    else if (shared.armed === question) redraw({ armed: true });
    else box.querySelector(".draw [data-shape]:not([hidden])").focus();
  }

  function choose(place) {
    if (question.chosen === place) return;
    question.chosen = place;
    redraw();
  }

  box.setAttribute("aria-label", data.label);
  for (const shape of ["point", "box"]) button(`shape=${shape}`).textContent = words[shape];
  for (const what of ["undo", "nothing"]) button(`do=${what}`).textContent = words[what];
  shared.questions.add(question);
  // It is hidden while its question is not asked, and its marks with it.
  const sized = new ResizeObserver(() => {
    if (!question.seen() && shared.armed === question) question.disarm();
    document.dispatchEvent(new CustomEvent("marks", { detail: {} }));
  });
  sized.observe(box);
  redraw();
  return () => {
    closing.abort();
    sized.disconnect();
    shared.questions.delete(question);
    if (shared.armed === question) shared.armed = null;
    document.dispatchEvent(new CustomEvent("marks", { detail: {} }));
  };
}
