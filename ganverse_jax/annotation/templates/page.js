const VIEWS = FACTS.views.length, BINS = FACTS.names.length, DROP = "drop";

let answers = new Array(VIEWS).fill(null);
let current = 0, shown = -1, cursor = 0, reviewing = false, firstLoad = true;

const take = (state) => { answers = state.answers.slice(); };
const settled = () => answers.every((a) => a !== null);

async function fetchPictures(view) {
  const { pictures } = await load(view);
  thumbnail(view, pictures[0]);
  return pictures;
}

async function loadAll() {
  for (let i = 0; i < VIEWS && !closed; i++) { try { await fetchPictures((current + i) % VIEWS); } catch { return; } }
}

// ---- what is shown

function show(view) {
  current = view;
  if (answers[view] !== null && answers[view] !== DROP) cursor = answers[view];
  const box = byId("pictures");
  fetchPictures(view).then((pictures) => {
    if (view !== current) return;
    shown = view;
    box.replaceChildren(...pictures.map((uri, i) => {
      const image = new Image();
      image.src = uri; image.alt = `view ${FACTS.views[view].id}, content ${i + 1}`; image.decoding = "sync";
      return image;
    }));
  }, () => problem(LOST));
  if (firstLoad) { firstLoad = false; loadAll(); }
  render();
  byId("strip").children[view].scrollIntoView({ block: "nearest", inline: "center" });
}

function render() {
  const answer = answers[current], done = answers.filter((a) => a !== null).length;
  const ended = done === VIEWS && !reviewing;
  showProgress(done, VIEWS);
  byId("number").textContent = FACTS.views[current].id;
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
  showHistory();
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
    if (answer === null) tag.textContent = FACTS.views[view].id;
    else if (answer === DROP) tag.textContent = "✕";
    else {
      const hand = document.createElement("span");
      hand.className = "hand";
      hand.style.setProperty("--turn", `${-30 * answer}deg`);
      tag.append(hand);
    }
    button.setAttribute("aria-label", `view ${FACTS.views[view].id}, ` + (answer === null ? "open" : answer === DROP ? "dropped" : FACTS.names[answer]));
  });
}

function renderEnd() {
  const dropped = answers.filter((a) => a === DROP).length;
  const empty = FACTS.names.filter((_, bin) => !answers.includes(bin));
  byId("end-all").textContent = VIEWS;
  byId("end-counts").textContent = `${VIEWS - dropped} kept, ${dropped} dropped, in ${clock(seconds)}. ` +
    (empty.length ? `No view from: ${empty.join("; ")}.` : "Every direction has a view.");
}

// ---- what a person does

function give(answer) {
  if (closed || shown !== current) return;  // nobody judges what is not on the screen yet
  const view = current, button = answer === DROP ? null : all(".bin")[answer];
  if (button) { button.classList.remove("flash"); void button.offsetWidth; button.classList.add("flash"); cursor = answer; }
  const repeated = answers[view] === answer;
  answers[view] = answer;
  byId("live").textContent = `view ${FACTS.views[view].id}: ${answer === DROP ? "dropped" : FACTS.names[answer]}`;
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

function step(by) { if (!closed) { reviewing = reviewing || settled(); show((current + by + VIEWS) % VIEWS); } }

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
  finish,
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
  else if (button.dataset.view !== undefined) { reviewing = reviewing || settled(); show(Number(button.dataset.view)); }
});

makeStrip(VIEWS);
byId("pictures").replaceChildren(...Array.from({ length: FACTS.contents || 8 }, () => document.createElement("i")));
ask("state").then((state) => { adopt(state); const open = answers.indexOf(null); show(Math.max(open, 0)); showTime(); },
  (error) => problem(error.message));
