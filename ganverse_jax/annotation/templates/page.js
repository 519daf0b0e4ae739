"use strict";
const all = (selector) => [...document.querySelectorAll(selector)];
const byId = (id) => document.getElementById(id);
const VIEWS = FACTS.views.length, BINS = FACTS.names.length, DROP = "drop", LONGEST_PAUSE = 30;

let answers = new Array(VIEWS).fill(null);
let current = 0, shown = -1, cursor = 0, reviewing = false, closed = false;
let canUndo = false, canRedo = false;
let seconds = 0, lastAction = performance.now();
let pending = 0, tail = Promise.resolve(), firstLoad = true;
const loaded = new Map();  // view -> promise of its pictures

// ---- talking to the server: commands go one after the other, the page does not wait for answers

async function ask(path, body) {
  const options = body === undefined ? {} :
    { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, options);
  const content = await response.json();
  if (!response.ok) throw new Error(content.error);
  return content;
}

function send(command) {
  pending += 1;
  showSaved();
  tail = tail.then(async () => {
    try {
      const state = await ask("do", command);
      pending -= 1;
      problem("");
      adopt(state);
      return state;
    } catch (error) {
      pending -= 1;
      const gone = error instanceof TypeError;
      problem(gone ? "The annotator in the terminal has ended. What was saved is kept: start it again with the same command." : error.message);
      if (!gone) adopt(await ask("state"));
      return null;
    } finally { showSaved(); }
  });
  return tail;
}

function adopt(state) {
  canUndo = state.can_undo; canRedo = state.can_redo;
  seconds = state.seconds; lastAction = performance.now();
  if (!pending) answers = state.answers.slice();  // newer presses are not undone by an older answer
  render();
}

function load(view) {
  if (!loaded.has(view)) {
    const promise = ask(`view/${view}`).then((content) => content.pictures);
    promise.then((pictures) => thumbnail(view, pictures[0]), () => loaded.delete(view));
    loaded.set(view, promise);
  }
  return loaded.get(view);
}

async function loadAll() {
  for (let i = 0; i < VIEWS && !closed; i++) { try { await load((current + i) % VIEWS); } catch { return; } }
}

// ---- what is shown

function show(view) {
  current = view;
  if (answers[view] !== null && answers[view] !== DROP) cursor = answers[view];
  const box = byId("pictures");
  load(view).then((pictures) => {
    if (view !== current) return;
    shown = view;
    box.replaceChildren(...pictures.map((uri, i) => {
      const image = new Image();
      image.src = uri; image.alt = `view ${view + 1}, content ${i + 1}`; image.decoding = "sync";
      return image;
    }));
  }, () => problem("The pictures of this view did not arrive; is the annotator in the terminal still running?"));
  if (firstLoad) { firstLoad = false; loadAll(); }
  render();
  byId("strip").children[view].scrollIntoView({ block: "nearest", inline: "center" });
}

function render() {
  const answer = answers[current], done = answers.filter((a) => a !== null).length;
  const ended = done === VIEWS && !reviewing;
  byId("done").textContent = done; byId("all").textContent = VIEWS;
  const meter = all(".meter")[0];
  meter.setAttribute("aria-valuenow", done); meter.setAttribute("aria-valuemax", VIEWS);
  meter.firstElementChild.style.width = `${100 * done / VIEWS}%`;
  byId("number").textContent = current + 1;
  const agreement = FACTS.views[current].consistency;
  byId("agreement").textContent = agreement == null ? "" : `outlines agree to ${Math.round(100 * agreement)} %`;
  byId("answer").textContent = answer === null ? "" : answer === DROP ? "dropped" : `${FACTS.names[answer]} · ${30 * answer}°`;
  byId("pictures").classList.toggle("dropped", answer === DROP);
  for (const button of all(".bin")) {
    const bin = Number(button.dataset.bin), count = answers.filter((a) => a === bin).length;
    button.setAttribute("aria-pressed", answer === bin && !ended);
    button.classList.toggle("cursor", bin === cursor && answer === null);
    button.lastElementChild.textContent = count || "";
  }
  for (const button of all("[data-do=drop]")) button.setAttribute("aria-pressed", answer === DROP && !ended);
  for (const button of all("[data-do=undo]")) button.disabled = !canUndo && !pending;
  for (const button of all("[data-do=redo]")) button.disabled = !canRedo;
  renderStrip();
  byId("end").hidden = !ended; byId("pictures").hidden = ended; all(".heading")[0].hidden = ended;
  byId("question").textContent = ended ? "Where the cameras stand" : "Where does the camera stand?";
  if (ended) renderEnd();
}

function renderStrip() {
  [...byId("strip").children].forEach((item, view) => {
    const button = item.firstElementChild, answer = answers[view], tag = button.lastElementChild;
    button.setAttribute("aria-current", view === current);
    button.classList.toggle("dropped", answer === DROP);
    button.classList.toggle("known", answer !== null);
    tag.replaceChildren();
    if (answer === null) tag.textContent = view + 1;
    else if (answer === DROP) tag.textContent = "✕";
    else {
      const hand = document.createElement("span");
      hand.className = "hand";
      hand.style.setProperty("--turn", `${-30 * answer}deg`);
      tag.append(hand);
    }
    button.setAttribute("aria-label", `view ${view + 1}, ` + (answer === null ? "open" : answer === DROP ? "dropped" : FACTS.names[answer]));
  });
}

function renderEnd() {
  const dropped = answers.filter((a) => a === DROP).length;
  const empty = FACTS.names.filter((_, bin) => !answers.includes(bin));
  byId("end-all").textContent = VIEWS;
  byId("end-counts").textContent = `${VIEWS - dropped} kept, ${dropped} dropped, in ${clock(seconds)}. ` +
    (empty.length ? `No view from: ${empty.join("; ")}.` : "Every direction has a view.");
}

function thumbnail(view, uri) {
  const old = byId("strip").children[view].querySelector(".empty");
  if (!old) return;
  const image = new Image();
  image.src = uri; image.alt = "";
  old.replaceWith(image);
}

const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

function showTime() {
  const since = closed || answers.every((a) => a !== null) ? 0 : Math.min((performance.now() - lastAction) / 1000, LONGEST_PAUSE);
  byId("time").textContent = clock(seconds + since);
}

function showSaved() {
  byId("saved").textContent = pending ? "saving" : closed ? "closed" : "saved";
  byId("saved").classList.toggle("busy", pending > 0);
}

function problem(text) { byId("problem").textContent = text; byId("problem").hidden = !text; if (text) byId("saved").textContent = ""; }

// ---- what a person does

function give(answer) {
  if (closed || shown !== current) return;  // nobody judges what is not on the screen yet
  const view = current, button = answer === DROP ? null : all(".bin")[answer];
  if (button) { button.classList.remove("flash"); void button.offsetWidth; button.classList.add("flash"); cursor = answer; }
  const repeated = answers[view] === answer;
  answers[view] = answer;
  byId("live").textContent = `view ${view + 1}: ${answer === DROP ? "dropped" : FACTS.names[answer]}`;
  if (!repeated) send({ do: "answer", view, answer });
  if (reviewing) show((view + 1) % VIEWS); else next(view);
}

/** The next view without an answer; when there is none, the end. */
function next(from) {
  for (let i = 1; i <= VIEWS; i++) {
    const view = (from + i) % VIEWS;
    if (answers[view] === null) return show(view);
  }
  render();
}

function step(by) { if (!closed) { reviewing = reviewing || answers.every((a) => a !== null); show((current + by + VIEWS) % VIEWS); } }

// To the right is clockwise, which is against the order of the bins.
const turn = (by) => { cursor = (cursor + by + BINS) % BINS; render(); };

async function history(command) {
  const state = await send({ do: command });
  if (state && state.view !== null) show(state.view);
}

const ACTIONS = {
  drop: () => give(DROP),
  undo: () => history("undo"),
  redo: () => history("redo"),
  review: () => { reviewing = true; show(0); },
  finish: async () => { if (await send({ do: "finish" })) { closed = true; showSaved(); all("button").forEach((b) => { b.disabled = true; }); } },
};

function binOf(event) {
  const place = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  const key = place ? place[1] : { Minus: "-", Equal: "=" }[event.code] ?? event.key;
  return FACTS.keys[key];
}

addEventListener("keydown", (event) => {
  const focused = document.activeElement?.tagName === "BUTTON", letter = event.key.toLowerCase();
  const control = event.ctrlKey || event.metaKey;
  let action = null;
  if (control && letter === "z" || !control && letter === "z") action = event.shiftKey ? ACTIONS.redo : ACTIONS.undo;
  else if (letter === "y") action = ACTIONS.redo;
  else if (control || event.altKey) return;
  else if (letter === "x" || event.key === "Delete") action = ACTIONS.drop;
  else if (event.key === "ArrowLeft") action = () => turn(1);
  else if (event.key === "ArrowRight") action = () => turn(-1);
  else if (event.key === "ArrowUp") action = () => step(-1);
  else if (event.key === "ArrowDown") action = () => step(1);
  else if ((event.key === " " || event.key === "Enter") && !focused) action = () => { if (!byId("end").hidden) return; give(cursor); };
  else if (binOf(event) !== undefined && !event.repeat) action = () => { if (byId("end").hidden) give(binOf(event)); };
  if (!action || event.repeat && !event.key.startsWith("Arrow")) return;
  event.preventDefault();
  if (!closed) action();
});

addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || closed) return;
  if (event.detail) button.blur();  // so that the space bar does not press it again
  if (button.dataset.bin !== undefined) { if (byId("end").hidden) give(Number(button.dataset.bin)); }
  else if (button.dataset.do) ACTIONS[button.dataset.do]();
  else if (button.dataset.view !== undefined) { reviewing = reviewing || answers.every((a) => a !== null); show(Number(button.dataset.view)); }
});

FACTS.views.forEach((_, view) => {
  const item = document.createElement("li"), button = document.createElement("button");
  button.dataset.view = view;
  button.innerHTML = '<span class="empty"></span><span class="tag"></span>';
  item.append(button); byId("strip").append(item);
});
byId("pictures").replaceChildren(...Array.from({ length: FACTS.contents || 8 }, () => document.createElement("i")));
setInterval(showTime, 500);
ask("state").then((state) => { adopt(state); const open = answers.indexOf(null); show(Math.max(open, 0)); showTime(); },
  (error) => problem(error.message));
