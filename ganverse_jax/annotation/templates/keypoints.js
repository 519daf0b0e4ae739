const POINTS = FACTS.points.length, PARTS = POINTS, HIDDEN = "hidden", BOX = byId("viewer");

let rows = FACTS.views.map(() => new Array(POINTS).fill(null));  // [view][point]
let object = 0, point = 0, ending = false, armed = null;

const take = (state) => { rows = FACTS.views.map((view) => state.points[view.number].slice()); object = state.object; };
const seen = (value) => value !== null && value !== HIDDEN;
const decided = (view) => rows[view].filter((value) => value !== null).length;
const dropped = (view) => rows[view].every((value) => value === HIDDEN);
const firstPicture = (view) => fetchPicture(view, object);
const toldOf = (view) => `${decided(view)} of ${POINTS} points`;
const tagOf = (view) => FACTS.views[view].id;

async function fetchPicture(view, content) {
  return (await load(content * FACTS.candidates + FACTS.views[view].number)).picture;
}

// ---- what is shown

function show(view, at) {
  if (view !== current) viewer.fit();
  current = view; ending = false;
  point = at ?? nextOpen(-1);
  render();
  showInStrip(view);
}

/** The next point of this view that is open, or -1. */
function nextOpen(from) {
  for (let i = 1; i <= POINTS; i++) { const k = (from + i + POINTS) % POINTS; if (rows[current][k] === null) return k; }
  return -1;
}

function render() {
  const row = rows[current], view = FACTS.views[current], open = row.filter((value) => value === null).length;
  const ended = ending &&= settled();
  byId("about").textContent = `${current + 1} of ${VIEWS}` + (view.bin === null ? "" : ` · ${FACTS.sides[view.bin]}`);
  const visible = row.filter(seen).length;
  byId("answer").textContent = dropped(current) ? "dropped" : open ? `${POINTS - open} of ${POINTS}`
    : visible < FACTS.needed ? `${visible} points seen: a camera needs ${FACTS.needed}, or drop the view` : `${visible} seen, ${POINTS - visible} hidden`;
  byId("answer").classList.toggle("lacks", !open && visible > 0 && visible < FACTS.needed);
  showFrame(ended);
  renderPicture();
  renderGuide();
  renderPoints(row);
  renderObjects();
  byId("on").textContent = settled() ? "To the end" : open ? "Next view" : "Next open view";
  if (ended) renderEnd();
}

function renderPicture() {
  const view = current, content = object;
  const marks = rows[view].flatMap((value, k) => seen(value)
    ? [{ point: k, x: value[0], y: value[1], side: FACTS.points[k].side, label: FACTS.points[k].name }] : []);
  fetchPicture(view, content).then((uri) => {
    if (view === current && content === object) { viewer.show(uri, marks, point); byId("picture").dataset.shown = `${content}/${view}`; }
    if (!loading) loadAll();
  }, () => lost());
}

function renderGuide() {
  const known = FACTS.views[current].bin, name = point < 0 ? null : FACTS.points[point].name;
  const here = known !== null && (point < 0 || FACTS.places[known][point].seen);
  const bin = here ? known : point < 0 ? 1 : FACTS.best[point];
  byId("question").textContent = name ?? (dropped(current) ? "This view is dropped" : "All points of this view are decided");
  byId("question").className = `question ${point < 0 ? "" : FACTS.points[point].side}`;
  byId("drawing").innerHTML = FACTS.drawings[bin];
  byId("side").textContent = here ? "seen as in this picture" : `seen from: ${FACTS.sides[bin]}` +
    (known !== null && point >= 0 ? " (likely hidden in this picture)" : "");
  byId("spots").replaceChildren(...FACTS.places[bin].flatMap((place, k) => {
    if (k !== point && (!place.seen || point >= 0)) return [];
    const spot = document.createElementNS(SVG, "g");
    spot.setAttribute("class", `spot ${FACTS.points[k].side}${k === point ? " selected" : ""}${place.seen ? "" : " behind"}`);
    spot.setAttribute("transform", `translate(${place.x} ${place.y}) scale(.38)`);
    spot.innerHTML = '<circle class="halo" r="8"/><circle class="ring" r="8"/><circle class="dot" r="2.6"/>';
    return [spot];
  }));
  byId("tip").textContent = name ?? "";
  byId("tip").hidden = name === null;
}

function renderPoints(row) {
  for (const button of all("[data-point]")) {
    if (button.tagName !== "BUTTON") continue;
    const k = Number(button.dataset.point), value = row[k];
    button.setAttribute("aria-current", k === point);
    button.classList.toggle("set", seen(value)); button.classList.toggle("away", value === HIDDEN);
    const told = value === null ? "open" : value === HIDDEN ? "hidden" : `at ${value[0].toFixed(1)}, ${value[1].toFixed(1)}`;
    button.setAttribute("aria-label", `${FACTS.points[k].name}: ${told}`);
    button.title = `${FACTS.points[k].name}: ${told}`;
  }
  const chosen = point >= 0;
  for (const button of all("[data-do=hidden]")) { button.disabled = !chosen || closed; button.setAttribute("aria-pressed", chosen && row[point] === HIDDEN); }
  for (const button of all("[data-do=hide]")) button.disabled = !row.includes(null) || closed;
}

function renderObjects() {
  const buttons = all("#objects button"), view = current;
  buttons.forEach((button, content) => {
    button.setAttribute("aria-pressed", content === object);
    button.disabled = ending || closed;
    button.classList.toggle("armed", content === armed);
    if (button.dataset.shown !== String(view)) {
      fetchPicture(view, content).then((uri) => { button.firstElementChild.src = uri; }, () => lost());
      button.dataset.shown = view;
    }
  });
}

function renderEnd() {
  const out = rows.filter((_, view) => dropped(view)).length, clicks = rows.flat().filter(seen).length;
  const few = FACTS.views.filter((_, view) => { const n = rows[view].filter(seen).length; return n > 0 && n < FACTS.needed; });
  byId("end-counts").textContent = `${clicks} clicks in ${VIEWS - out} views, ${out} dropped, in ${clock(seconds)}.` +
    (few.length ? ` Fewer than ${FACTS.needed} points are seen in view ${few.map((view) => view.id).join(", ")}: click more there, or drop it.` : "");
}

// ---- what a person does

function decide(k, value, stay = false) {
  if (closed || k < 0 || byId("picture").dataset.shown !== `${object}/${current}`) return;  // nobody clicks what is not there yet
  const told = value === null ? "open" : value === HIDDEN ? "hidden" : "placed";
  rows[current][k] = value;
  byId("live").textContent = `${FACTS.points[k].name}: ${told}`;
  send({ do: "point", view: FACTS.views[current].number, point: k, at: value });
  point = stay ? k : nextOpen(k);
  render();
}

function hideAll(command, every) {
  rows[current] = rows[current].map((value) => every || value === null ? HIDDEN : value);
  point = -1;
  send({ do: command, view: FACTS.views[current].number });
  render();
}

function goOn() {
  const view = openView(current);
  if (view >= 0) return show(view);
  ending = true;
  render();
}

const step = (by) => { if (ending) { ending = false; render(); } else show((current + by + VIEWS) % VIEWS); };
const walk = (by) => { point = (point + (point < 0 && by < 0 ? 0 : by) + POINTS) % POINTS; render(); };

const elsewhere = () => { point = nextOpen(-1); loadAll(); render(); };

const notice = (text) => { byId("notice").textContent = text; byId("notice").hidden = !text; };

/** Another object begins anew: with points on the present one a second press within a few seconds is asked for. */
function choose(content) {
  if (content === object || closed) return;
  if (rows.flat().some((value) => value !== null) && armed !== content) {
    armed = content;
    notice(`The points belong to this object. Choose object ${content} once more to begin anew with it; undo brings them back.`);
    setTimeout(() => { if (armed === content) { armed = null; notice(""); render(); } }, 5000);
    return render();
  }
  armed = null; object = content; point = 0;
  notice("");
  rows = rows.map((row) => row.map(() => null));
  send({ do: "object", object: content });
  loadAll();
  render();
}

const ACTIONS = {
  hidden: () => decide(point, HIDDEN), hide: () => hideAll("hide", false), drop: () => hideAll("drop", true),
  undo: () => history("undo"), redo: () => history("redo"), on: goOn, finish,
  review: () => show(0), object: () => choose(((armed ?? object) === object ? object + 1 : armed) % FACTS.contents),
  larger: () => viewer.zoom(1.5), smaller: () => viewer.zoom(1 / 1.5), fit: () => viewer.fit(),
  open: () => { if (point >= 0 && rows[current][point] !== null) decide(point, null, true); },
};
const KEYS = {
  h: "hidden", H: "hide", x: "drop", z: "undo", Z: "redo", y: "redo", o: "object", "+": "larger", "=": "larger",
  "-": "smaller", 0: "fit", Backspace: "open", Delete: "open", " ": "on", Enter: "on",
};
const ARROWS = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => walk(-1), ArrowDown: () => walk(1) };

const CLICKS = { point: (k) => { point = k; render(); }, object: choose, view: (view) => show(view) };
const otherKey = () => null;

BOX.addEventListener("pointermove", (event) => {
  const box = BOX.getBoundingClientRect();
  byId("tip").style.translate = `${event.clientX - box.x + 16}px ${event.clientY - box.y + 18}px`;
});

for (let content = 0; content < FACTS.contents; content++) {
  const button = document.createElement("button");
  button.dataset.object = content;
  button.setAttribute("aria-label", `object ${content}`);
  button.append(new Image());
  byId("objects").append(button);
}
viewer.onPlace = ({ x, y }) => decide(point, [x, y]);
viewer.onMove = (k, { x, y }) => { point = k; decide(k, [x, y]); };
viewer.onSelect = (k) => { point = k; render(); };
viewer.onHide = () => decide(point, HIDDEN);
viewer.start();
begin();
