// What the annotators share. A page defines
//   take(state), render(), show(view), elsewhere() after an undo that was about no single view;
//   BOX, the element of the pictures; PARTS, what is asked of each view;
//   decided(view): how many of them have an answer; dropped(view); toldOf(view), tagOf(view): in words, on the strip;
//   firstPicture(view), a promise; ACTIONS, CLICKS, KEYS, ARROWS, otherKey(event): what a person can do.
const LONGEST_PAUSE = 30, VIEWS = FACTS.views.length;

let current = 0, loading = false;
let closed = false, canUndo = false, canRedo = false;
let seconds = 0, lastAction = performance.now();
let pending = 0, tail = Promise.resolve();
const loaded = new Map();  // number -> promise of what the server has under view/number

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
  if (!pending) take(state);  // newer actions are not undone by an older answer
  render();
}

function load(number) {
  if (!loaded.has(number)) {
    const promise = ask(`view/${number}`);
    promise.catch(() => loaded.delete(number));
    loaded.set(number, promise);
  }
  return loaded.get(number);
}

function lost(error) {
  problem(error ? error.message : "The pictures of this view did not arrive; is the annotator in the terminal still running?");
  byId("saved").textContent = "";
}

/** Every view's picture for the strip, the present one's first. */
async function loadAll() {
  loading = true;
  for (let i = 0; i < VIEWS && !closed; i++) {
    const view = (current + i) % VIEWS;
    try { thumbnail(view, await firstPicture(view)); } catch { return; }
  }
}

async function finish() {
  if (!await send({ do: "finish" })) return;
  closed = true;
  showSaved();
  all("button").forEach((button) => { button.disabled = true; });
}

// ---- what every page shows

const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

const settled = () => openView(-1) < 0;

/** The next view after `from` with something open, or -1. */
function openView(from) {
  for (let i = 1; i <= VIEWS; i++) { const view = (from + i) % VIEWS; if (decided(view) < PARTS) return view; }
  return -1;
}

function showTime() {
  const since = closed || settled() ? 0 : Math.min((performance.now() - lastAction) / 1000, LONGEST_PAUSE);
  byId("time").textContent = clock(seconds + since);
}

function showSaved() {
  byId("saved").textContent = pending ? "saving" : closed ? "closed" : "saved";
  byId("saved").classList.toggle("busy", pending > 0);
}

function showHistory() {
  for (const button of all("[data-do=undo]")) button.disabled = closed || !canUndo && !pending;
  for (const button of all("[data-do=redo]")) button.disabled = closed || !canRedo;
}

function showFrame(ended) {
  showProgress(FACTS.views.reduce((sum, _, view) => sum + decided(view), 0), VIEWS * PARTS);
  byId("number").textContent = FACTS.views[current].id;
  BOX.classList.toggle("dropped", dropped(current));
  for (const button of all("[data-do=drop]")) {
    button.disabled = ended || closed;
    button.setAttribute("aria-pressed", dropped(current) && !ended);
  }
  showHistory();
  showStrip();
  byId("end").hidden = !ended; BOX.hidden = ended; all(".heading")[0].hidden = ended;
}

/** The strip's buttons, one per view, without a picture yet. */
function makeStrip() {
  for (let view = 0; view < VIEWS; view++) {
    const item = document.createElement("li"), button = document.createElement("button");
    button.dataset.view = view;
    button.innerHTML = '<span class="empty"></span><span class="tag"></span>';
    item.append(button); byId("strip").append(item);
  }
}

function showStrip() {
  [...byId("strip").children].forEach((item, view) => {
    const button = item.firstElementChild, tag = button.lastElementChild;
    button.setAttribute("aria-current", view === current);
    button.classList.toggle("dropped", dropped(view));
    button.classList.toggle("known", decided(view) === PARTS);
    tag.replaceChildren(dropped(view) ? "✕" : tagOf(view));
    tag.style.setProperty("--done", `${100 * decided(view) / PARTS}%`);
    button.setAttribute("aria-label", `view ${FACTS.views[view].id}, ${toldOf(view)}`);
  });
}

const showInStrip = (view) => byId("strip").children[view].scrollIntoView({ block: "nearest", inline: "center" });

function thumbnail(view, uri) {
  const old = byId("strip").children[view].firstElementChild.firstElementChild;
  if (old.src === uri) return;
  const image = new Image();
  image.src = uri; image.alt = "";
  old.replaceWith(image);
}

// ---- what a person does

async function history(command) {
  const state = await send({ do: command });
  if (!state) return;
  const view = FACTS.views.findIndex(({ number }) => number === state.view);
  if (view >= 0) show(view); else elsewhere();
}

addEventListener("keydown", (event) => {
  const control = event.ctrlKey || event.metaKey, letter = event.key.length === 1 ? event.key : "";
  const key = event.shiftKey ? letter.toUpperCase() || event.key : letter.toLowerCase() || event.key;
  if (event.altKey || control && !["z", "Z", "y"].includes(key)) return;
  const pressed = [" ", "Enter"].includes(event.key) && document.activeElement?.tagName === "BUTTON";
  const action = ARROWS[event.key] ?? ACTIONS[KEYS[key]] ?? otherKey(event);
  if (!action || pressed || event.repeat && !ARROWS[event.key]) return;
  event.preventDefault();
  if (!closed && (byId("end").hidden || ["undo", "redo"].includes(KEYS[key]) || ARROWS[event.key])) action();
});

addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || closed) return;
  if (event.detail) button.blur();  // so that the space bar does not press it again
  const asked = Object.keys(CLICKS).find((name) => button.dataset[name] !== undefined);
  if (asked) CLICKS[asked](Number(button.dataset[asked]));
  else if (button.dataset.do) ACTIONS[button.dataset.do]();
});

function begin() {
  makeStrip();
  ask("state").then((state) => {
    adopt(state);
    show(Math.max(openView(-1), 0));
    showTime();
    setInterval(showTime, 500);
  }, lost);
}
