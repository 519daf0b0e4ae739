const QUESTIONS = [["shape", "Better shape"], ["texture", "Better texture"], ["overall", "Better overall"]];
const CHOICES = [["A", "A"], ["B", "B"], ["none", "No preference"]];
const WHERE = `ganverse-study-${FACTS.study}`;
const count = FACTS.hits.length;

let state = { annotator: "", answers: {} }, at = 0, question = 0, unsaved = false;

// ---- what is kept in this browser

function restore() {
  try {
    const kept = JSON.parse(localStorage.getItem(WHERE));
    if (kept && kept.answers) state = kept;
  } catch (error) { problem(`The answers kept in this browser cannot be read (${error.message}).`); }
}

function keep() {
  unsaved = true;
  try {
    localStorage.setItem(WHERE, JSON.stringify(state));
    byId("saved").textContent = "kept";
  } catch (error) {
    problem(`This browser keeps nothing (${error.message}): do not close the page before you have saved the answers.`);
  }
}

const answer = (hit) => state.answers[FACTS.hits[hit].name] || {};
const isDone = (hit) => QUESTIONS.every(([name]) => answer(hit)[name]);
const firstOpen = () => FACTS.hits.findIndex((_, hit) => !isDone(hit));
const numDone = () => FACTS.hits.filter((_, hit) => isDone(hit)).length;

// ---- what is seen

function build() {
  byId("questions").innerHTML = QUESTIONS.map(([name, label]) => `<fieldset data-question="${name}"><legend>${label}</legend>
    <div class="row">${CHOICES.map(([choice, text]) => `<button data-choice="${choice}" aria-pressed="false">${text}</button>`).join("")}</div></fieldset>`).join("");
  byId("pair").innerHTML = ["A", "B"].map((side) => `<h2>${side}</h2>`).join("") +
    ["shape", "textured"].map((kind, row) => ["A", "B"].map((side) =>
      `<figure><img data-side="${side}" data-row="${row}" alt="Prediction ${side} from six sides, ${kind}"><figcaption>${side}, ${kind === "shape" ? "shape alone" : kind}</figcaption></figure>`).join("")).join("");
}

function render() {
  const ended = at >= count, done = numDone();
  byId("ask").hidden = byId("work").hidden = ended;
  byId("end").hidden = !ended;
  showProgress(done, count);
  if (ended) return showEnd(done);
  const hit = FACTS.hits[at], given = answer(at);
  byId("number").textContent = `${at + 1} of ${count}`;
  setPicture(byId("input"), hit.input);
  for (const image of all("#pair img")) setPicture(image, hit[image.dataset.side][image.dataset.row]);
  all("fieldset").forEach((field, index) => {
    field.classList.toggle("current", index === question);
    for (const button of field.querySelectorAll("button"))
      button.setAttribute("aria-pressed", given[field.dataset.question] === button.dataset.choice);
  });
  all("[data-do=back]")[0].disabled = at === 0;
}

function setPicture(image, uri) { if (image.src !== uri) image.src = uri; }

function showEnd(done) {
  const whole = done === count;
  byId("end-title").textContent = whole ? `All ${count} are answered` : `${count - done} of ${count} are open`;
  byId("end-text").textContent = whole ? "Thank you." : "The answers can be saved once all are given.";
  byId("finish").hidden = !whole; byId("go-on").hidden = whole;
  if (whole && document.activeElement !== byId("annotator")) byId("annotator").value = state.annotator;
}

function say(text) { byId("live").textContent = text; }

// ---- what a person does

function choose(name, choice) {
  state.answers[FACTS.hits[at].name] = { ...answer(at), [name]: choice };
  const index = QUESTIONS.findIndex(([other]) => other === name);
  question = Math.min(index + 1, QUESTIONS.length - 1);
  say(`${name}: ${choice === "none" ? "no preference" : choice}`);
  keep(); render();
}

function go(to) {
  at = Math.max(0, Math.min(to, count));
  const open = at < count ? QUESTIONS.findIndex(([name]) => !answer(at)[name]) : 0;
  question = Math.max(open, 0);
  render();
  window.scrollTo(0, 0);
  if (at < count) say(`Picture ${at + 1}`);
}

function next() {
  if (at < count && !isDone(at)) {
    question = QUESTIONS.findIndex(([name]) => !answer(at)[name]);
    problem(`Please answer all three questions; ${QUESTIONS[question][0]} is open.`);
    return render();
  }
  problem("");
  go(at + 1);
}

function save() {
  const annotator = byId("annotator").value.trim();
  if (!annotator) { problem("Please give a name first."); return byId("annotator").focus(); }
  problem("");
  state.annotator = annotator;
  keep();
  const text = JSON.stringify({ study: FACTS.study, annotator, answers: state.answers }, null, 1) + "\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = `answers_${annotator.replace(/[^\p{L}\p{N}_-]+/gu, "_")}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  unsaved = false;
  byId("saved").textContent = "saved as a file";
}

function anew() {
  const warning = unsaved ? "The answers have not been saved as a file. " : "";
  if (!confirm(`${warning}Forget these answers and begin anew?`)) return;
  state = { annotator: "", answers: {} };
  keep(); unsaved = false;
  go(0);
}

const actions = { back: () => { problem(""); go(at - 1); }, next, save, anew, review: () => go(0), open: () => go(firstOpen()) };

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.choice) choose(button.closest("fieldset").dataset.question, button.dataset.choice);
  else actions[button.dataset.do]();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === byId("annotator")) { if (event.key === "Enter") save(); return; }
  const digit = /^(Digit|Numpad)[123]$/.test(event.code) ? event.code.slice(-1) : event.key;
  if (at < count && ["1", "2", "3"].includes(digit)) choose(QUESTIONS[question][0], CHOICES[digit - 1][0]);
  else if (event.key === "ArrowRight" && at < count) next();
  else if (event.key === "Enter" && at < count && event.target.tagName !== "BUTTON") next();
  else if (event.key === "ArrowLeft") actions.back();
  else if (event.key === "ArrowUp" && at < count) { question = Math.max(question - 1, 0); render(); }
  else if (event.key === "ArrowDown" && at < count) { question = Math.min(question + 1, QUESTIONS.length - 1); render(); }
  else return;
  event.preventDefault();
});

window.addEventListener("beforeunload", (event) => { if (unsaved && numDone() === count) event.preventDefault(); });

restore();
build();
const open = firstOpen();
go(open < 0 ? count : open);
