"use strict";
// What the annotators' pages share. A page defines take(state), render() and settled() (nothing left to do).
const all = (selector) => [...document.querySelectorAll(selector)];
const byId = (id) => document.getElementById(id);
const LONGEST_PAUSE = 30;

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

async function finish() {
  if (!await send({ do: "finish" })) return;
  closed = true;
  showSaved();
  all("button").forEach((button) => { button.disabled = true; });
}

// ---- what every page shows

const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

function showTime() {
  const since = closed || settled() ? 0 : Math.min((performance.now() - lastAction) / 1000, LONGEST_PAUSE);
  byId("time").textContent = clock(seconds + since);
}

function showSaved() {
  byId("saved").textContent = pending ? "saving" : closed ? "closed" : "saved";
  byId("saved").classList.toggle("busy", pending > 0);
}

function problem(text) { byId("problem").textContent = text; byId("problem").hidden = !text; if (text) byId("saved").textContent = ""; }

function showProgress(done, count) {
  byId("done").textContent = done; byId("all").textContent = count;
  const meter = all(".meter")[0];
  meter.setAttribute("aria-valuenow", done); meter.setAttribute("aria-valuemax", count);
  meter.firstElementChild.style.width = `${100 * done / count}%`;
}

function showHistory() {
  for (const button of all("[data-do=undo]")) button.disabled = closed || !canUndo && !pending;
  for (const button of all("[data-do=redo]")) button.disabled = closed || !canRedo;
}

/** The strip's buttons, one per view, without a picture yet. */
function makeStrip(count) {
  for (let view = 0; view < count; view++) {
    const item = document.createElement("li"), button = document.createElement("button");
    button.dataset.view = view;
    button.innerHTML = '<span class="empty"></span><span class="tag"></span>';
    item.append(button); byId("strip").append(item);
  }
}

function thumbnail(view, uri) {
  const old = byId("strip").children[view].firstElementChild.firstElementChild;
  if (old.src === uri) return;
  const image = new Image();
  image.src = uri; image.alt = "";
  old.replaceWith(image);
}

const LOST = "The pictures of this view did not arrive; is the annotator in the terminal still running?";
setInterval(showTime, 500);
