const BINS = FACTS.names.length, DROP = "drop", PARTS = 1, BOX = byId("pictures");

let answers = new Array(VIEWS).fill(null);
let shown = -1, cursor = 0, reviewing = false;

const take = (state) => { answers = state.answers.slice(); };
const decided = (view) => answers[view] === null ? 0 : 1;
const dropped = (view) => answers[view] === DROP;
const firstPicture = async (view) => (await load(view)).pictures[0];

function toldOf(view) {
  return answers[view] === null ? "open" : dropped(view) ? "dropped" : FACTS.names[answers[view]];
}

function tagOf(view) {
  if (answers[view] === null) return FACTS.views[view].id;
  const hand = document.createElement("span");
  hand.className = "hand";
  hand.style.setProperty("--turn", `${-30 * answers[view]}deg`);
  return hand;
}

// ---- what is shown

function show(view) {
  current = view;
  if (decided(view) && !dropped(view)) cursor = answers[view];
  load(view).then(({ pictures }) => {
    thumbnail(view, pictures[0]);
    if (view !== current) return;
    shown = view;
    BOX.replaceChildren(...pictures.map((uri, i) => {
      const image = new Image();
      image.src = uri; image.alt = `view ${FACTS.views[view].id}, content ${i + 1}`; image.decoding = "sync";
      return image;
    }));
  }, () => lost());
  if (!loading) loadAll();
  render();
  showInStrip(view);
}

function render() {
  const answer = answers[current], ended = settled() && !reviewing;
  const agreement = FACTS.views[current].consistency;
  byId("about").textContent = agreement == null ? "" : `outlines agree to ${Math.round(100 * agreement)} %`;
  byId("answer").textContent = answer === null ? "" : answer === DROP ? "dropped" : `${FACTS.names[answer]} · ${30 * answer}°`;
  for (const button of all(".bin")) {
    const bin = Number(button.dataset.bin), count = answers.filter((a) => a === bin).length;
    button.setAttribute("aria-pressed", answer === bin && !ended);
    button.classList.toggle("cursor", bin === cursor && answer === null);
    button.lastElementChild.textContent = count || "";
  }
  showFrame(ended);
  byId("question").textContent = ended ? "Where the cameras stand" : "Where does the camera stand?";
  if (ended) renderEnd();
}

function renderEnd() {
  const out = answers.filter((a) => a === DROP).length;
  const empty = FACTS.names.filter((_, bin) => !answers.includes(bin));
  byId("end-counts").textContent = `${VIEWS - out} kept, ${out} dropped, in ${clock(seconds)}. ` +
    (empty.length ? `No view from: ${empty.join("; ")}.` : "Every direction has a view.");
}

// ---- what a person does

function give(answer) {
  if (closed || shown !== current) return;  // nobody judges what is not on the screen yet
  const view = current, button = answer === DROP ? null : all(".bin")[answer];
  if (button) { button.classList.remove("flash"); void button.offsetWidth; button.classList.add("flash"); cursor = answer; }
  const repeated = answers[view] === answer;
  answers[view] = answer;
  byId("live").textContent = `view ${FACTS.views[view].id}: ${toldOf(view)}`;
  if (!repeated) send({ do: "answer", view, answer });
  const next = reviewing ? (view + 1) % VIEWS : openView(view);
  if (next >= 0) show(next); else render();
}

function go(view) { reviewing = reviewing || settled(); show(view); }

// To the right is clockwise, which is against the order of the bins.
const turn = (by) => { cursor = (cursor + by + BINS) % BINS; render(); };

/** The digits and their neighbours by their place, where the layout has none. */
function otherKey(event) {
  const place = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  const bin = FACTS.keys[place ? place[1] : { Minus: "-", Equal: "=" }[event.code] ?? event.key];
  return bin === undefined ? null : () => give(bin);
}

const elsewhere = () => {};
const ACTIONS = {
  drop: () => give(DROP), take: () => give(cursor), undo: () => history("undo"), redo: () => history("redo"),
  review: () => { reviewing = true; show(0); }, finish,
};
const KEYS = { x: "drop", X: "drop", Delete: "drop", z: "undo", Z: "redo", y: "redo", Y: "redo", " ": "take", Enter: "take" };
const ARROWS = {
  ArrowLeft: () => turn(1), ArrowRight: () => turn(-1),
  ArrowUp: () => go((current - 1 + VIEWS) % VIEWS), ArrowDown: () => go((current + 1) % VIEWS),
};
const CLICKS = { bin: (bin) => { if (byId("end").hidden) give(bin); }, view: go };

BOX.replaceChildren(...Array.from({ length: FACTS.contents || 8 }, () => document.createElement("i")));
begin();
