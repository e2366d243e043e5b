// The reader's hands: number keys choose answers, Ctrl+Enter saves, and the time is
// counted while the page is seen and used.
const LOOKING = 5 * 60 * 1000; // ms after a move, a key or a turn of the wheel
const TICK = 1000;
const TYPING_PAUSE = 1200;

export default function ({ data, parentElement, setStateValue }) {
  const leave = atEnd(parentElement, () => parentElement.desk?.abort());
  if (parentElement.desk && !parentElement.desk.signal.aborted) return leave;
  const closing = new AbortController();
  parentElement.desk = closing;
  const on = (name, listener) =>
    document.addEventListener(name, listener, { capture: true, signal: closing.signal });
  const clock = countActive(data.key, on, closing.signal);
  const tell = () => setStateValue("active", {
    seconds: clock(), ahead: window.readAhead?.token ?? "",
    seen: window.stackSeen?.report() ?? null,
  });
  on("pointerdown", (event) => { if (event.target.closest?.("button")) leaveText(); });
  const look = () => {
    ask(data.asked_if);
    mark();
  };
  on("change", () => { unheard = ""; hold(); look(); });
  on("click", (event) => onClick(event, tell, look));
  on("keydown", onKey);
  on("input", (event) => { onInput(event, data.key); look(); });
  on("marked", look);
  on("focusin", mark);
  on("back", pressAgain);
  const restore = restoreTexts(data.key);
  const seen = new MutationObserver(() => {
    restore();
    look();
  });
  seen.observe(document.body, { childList: true, subtree: true });
  restore();
  document.body.dataset.desk = data.key; // from now on keys are heard
  closing.signal.addEventListener("abort", () => {
    seen.disconnect();
    if (document.body.dataset.desk === data.key) delete document.body.dataset.desk;
  });
  look();
  return leave;
}

const SAVE = "[class*='st-key-save-'] button";

function questions() { // those that are asked after the answers so far
  return [...document.querySelectorAll("[class*='st-key-question-']")]
    .filter((q) => q.offsetParent);
}

// Shows the questions that are asked after the answers so far. The server goes by the same
// conditions, but a key that is pressed before it has answered must find its question.
function ask(askedIf) {
  const asked = {};
  for (const question of document.querySelectorAll("[class*='st-key-question-']")) {
    const id = question.className.match(/st-key-question-(\S+)/)[1];
    if (!(askedIf[id] ?? []).every((one) => meets(asked[one.question], one))) {
      delete question.dataset.asked;
      continue;
    }
    asked[id] = question;
    question.dataset.asked = "yes";
  }
}

function meets(question, { places, least, most }) {
  if (!question) return false; // it is not asked itself
  if (places) return radios(question).some((c, place) => c.checked && places.includes(place));
  const field = question.querySelector("input[type=range], input[type=number]");
  if (!field || field.value.trim() === "" || !field.validity.valid) return false;
  if (field.type === "range" && !field.closest("[data-marked]")) return false;
  return (least ?? -Infinity) <= Number(field.value) && Number(field.value) <= (most ?? Infinity);
}

// What the numbers choose: one of a scale, or any of several.
function radios(question) {
  return [...question.querySelectorAll("input[type=radio], input[type=checkbox]")];
}

// Where keys go that are no choice: a line, a number, a text, what draws marks.
const TYPED = "input[type=range], input[type=number], input[type=text], textarea, .marks .draw button";
function typed(question) {
  return [...question.querySelectorAll(TYPED)].find(
    (f) => f.offsetParent && !f.closest("[class*='st-key-reason-']"));
}

function unanswered(question) {
  if (question.querySelector("[class*='st-key-optional-']")) return false;
  const choices = radios(question);
  if (choices.length) return !choices.some((c) => c.checked);
  const marks = question.querySelector(".marks");
  if (marks) return !marks.dataset.answered;
  const field = typed(question); // none while the page is being built
  if (field?.type === "range") return !field.closest("[data-marked]");
  return Boolean(field) && field.value.trim() === "";
}

// The field of an explanation; it is there always, and seen while one is asked for.
function reason(question) {
  return [...question.querySelectorAll("[class*='st-key-reason-'] textarea")]
    .find((t) => t.offsetParent);
}

function current() {
  const focused = document.activeElement?.closest?.("[class*='st-key-question-']");
  const open = (q) => unanswered(q) || reason(q)?.value.trim() === "";
  if (returned && !returned.isConnected) returned = null;
  return focused || returned || questions().find(open) || null;
}

function mark() {
  const now = current();
  for (const question of questions()) {
    if (question === now) question.dataset.current = "yes";
    else delete question.dataset.current;
    const waits = question.querySelector("[class*='st-key-waits-']");
    question.querySelector("[role=radiogroup]")?.setAttribute("aria-invalid", Boolean(waits));
    const several = question.querySelector("[class*='st-key-several-']");
    several?.setAttribute("role", "group");
    several?.setAttribute("aria-label", question.querySelector("p.asked")?.textContent ?? "");
  }
}

// Streamlit sends what changes in one turn of the page together, and runs the questions
// alone if one of them is among it: a Save in the same turn is lost. A text that is left by
// tapping Save is in the turn of the tap. So texts are left before, and a Save that comes
// while something may not have been sent waits for it.
const WAIT = 60; // ms
let held = 0;
function hold() {
  clearTimeout(held);
  held = setTimeout(() => { held = 0; }, WAIT);
}

function leaveText() {
  const choices = "[type=radio], [type=checkbox]";
  if (!document.activeElement?.matches?.(`textarea, input:not(${choices})`)) return;
  document.activeElement.blur(); // a text is sent when it loses the focus
  hold();
}

// What the hands did goes with the click on Save, in one turn.
function onClick(event, tell, look) {
  const button = event.target.closest?.(SAVE);
  if (!button) {
    if (!event.target.closest?.("[class*='st-key-question-']")) return;
    unheard = ""; // a choice that is tapped tells of no change
    setTimeout(look, 0);
    return;
  }
  if (held) {
    event.preventDefault();
    event.stopImmediatePropagation();
    pressLater(keyOf(button));
    return;
  }
  unheard = keyOf(button);
  tell();
}

// A Save that went into a dead line may never come. When the line is back it is pressed
// again, unless something was changed since; what is stored by then has another key.
let unheard = "";
function keyOf(button) {
  return button.closest("[class*='st-key-save-']").className.match(/st-key-save-\S+/)[0];
}

function pressAgain() {
  if (unheard) pressLater(unheard);
}

// By its key: the page may put another button in its place while it is waited.
function pressLater(key) {
  unheard = key;
  setTimeout(() => {
    const button = document.querySelector(SAVE);
    if (held) pressLater(key);
    else if (button && !button.disabled && keyOf(button) === key) button.click();
  }, held ? 10 : 0);
}

function onKey(event) {
  if (!event.isTrusted || document.body.hasAttribute("data-lost")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    save(event.repeat);
    return;
  }
  if (event.target.closest?.("[class*='st-key-question-']")) unheard = "";
  const text = event.target.closest?.("textarea, select, input:not([type=radio], [type=checkbox])");
  if (text) {
    const done = event.key === "Enter" && text.tagName === "INPUT";
    if (event.key === "Escape" || done) text.blur();
    if (event.key === "Backspace" && text.type === "range") goBack(event);
    if (done) setTimeout(goOn, 30);
    return;
  }
  if (event.key === "Enter" && event.target.matches?.("[type=checkbox]")) {
    event.preventDefault();
    event.target.blur();
    goOn();
    return;
  }
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (QUICK_FIND.includes(event.key)) event.preventDefault(); // it would take the numbers
  if (event.key === "Backspace") goBack(event);
  if (!/^[1-9]$/.test(event.key)) return;
  const question = current();
  const choice = question && radios(question)[Number(event.key) - 1];
  if (!choice) {
    if (question && !radios(question).length) typed(question)?.focus(); // the key goes there
    return;
  }
  event.preventDefault();
  choose(question, choice);
}

const QUICK_FIND = ["/", "'"]; // in Firefox

// Backspace marks the question that was answered last: the next number answers it anew.
const answered = [];
let returned = null;
function goBack(event) {
  event.preventDefault();
  do returned = answered.pop() ?? null; while (returned && !returned.isConnected);
  document.activeElement?.blur?.();
  mark();
  returned?.scrollIntoView({ block: "nearest" });
}

function choose(question, choice) {
  answered.push(question);
  returned = null;
  choice.click();
  document.activeElement?.blur?.();
  if (choice.type === "checkbox") choice.focus(); // there may be more; Enter goes on
  else setTimeout(goOn, 30);
  reason(question)?.focus();
}

// Marks the next question, and goes into its field if it is no choice.
function goOn() {
  mark();
  const next = current();
  next?.scrollIntoView({ block: "nearest" });
  if (next && !radios(next).length && !reason(next)) typed(next)?.focus();
}

function save(repeated) {
  const button = document.querySelector(SAVE);
  if (repeated || !button) return;
  leaveText();
  pressLater(keyOf(button));
}

// A text is kept as a draft in a pause of typing: to the field it is its own Ctrl+Enter.
// Until then the tab keeps it, for a reload in mid-word.
const SENT = 3000; // ms after which a text that was sent is taken to be stored
let pause = 0;
function onInput(event, key) {
  const field = event.target;
  if (!field.matches?.("textarea, input[type=text], input[type=number]")) return;
  if (!field.closest("[class*='st-key-question-']") && field.tagName !== "TEXTAREA") return;
  clearTimeout(pause);
  const name = typedName(key, field);
  if (name) sessionStorage.setItem(name, field.value);
  pause = setTimeout(() => {
    hold();
    field.dispatchEvent(new KeyboardEvent("keydown", {
      key: "Enter", code: "Enter", ctrlKey: field.tagName === "TEXTAREA", bubbles: true,
    }));
    const text = field.value;
    setTimeout(() => {
      const lost = document.body.hasAttribute("data-lost");
      if (name && !lost && sessionStorage.getItem(name) === text) sessionStorage.removeItem(name);
    }, SENT);
  }, TYPING_PAUSE);
}

function typedName(key, field) {
  const reason = field.closest("[class*='st-key-reason-']")?.className;
  const question = reason?.match(/st-key-reason-(\S+)/)?.[1];
  if (question) return `typed-${key}-${question}`;
  const asked = field.closest("[class*='st-key-question-']")?.className;
  const answered = asked?.match(/st-key-question-(\S+)/)?.[1];
  return answered && `typed-${key}-answer:${answered}`;
}

// Gives each field, once it is there, the text that was typed and not yet sent.
function restoreTexts(key) {
  const put = (field, text) => Object.getOwnPropertyDescriptor(
    Object.getPrototypeOf(field), "value").set.call(field, text);
  const texts = "textarea, input[type=text], input[type=number]";
  const done = new Set();
  return () => {
    for (const field of document.querySelectorAll(`[class*='st-key-question-'] :is(${texts})`)) {
      const name = typedName(key, field);
      if (done.has(name)) continue;
      done.add(name);
      const text = sessionStorage.getItem(name);
      if (text === null || text === field.value) continue;
      put(field, text);
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  };
}

// Looking counts: the page is seen and has the focus, and the reader's hands were there
// within the last minutes. Seconds survive a reload. A timer that was held up, as by a
// closed laptop, counts for little.
function countActive(key, on, signal) {
  const name = `active-${key}`;
  let seconds = Number(sessionStorage.getItem(name)) || 0;
  let last = Date.now();
  let counted = last;
  for (const event of ["pointermove", "pointerdown", "keydown", "wheel"]) {
    on(event, () => { last = Date.now(); });
  }
  const count = () => {
    const now = Date.now();
    const passed = Math.min(now - counted, 2 * TICK);
    counted = now;
    const looking = !document.hidden && document.hasFocus() && now - last <= LOOKING;
    if (looking) seconds += passed / 1000;
    sessionStorage.setItem(name, seconds);
    return Math.round(10 * seconds) / 10;
  };
  const timer = setInterval(count, TICK);
  signal.addEventListener("abort", () => clearInterval(timer));
  return count;
}
