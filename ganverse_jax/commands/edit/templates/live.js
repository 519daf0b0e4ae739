"use strict";
// Every change asks for one picture; while one is drawn, only the latest change waits.
(async function () {
  const byId = id => document.getElementById(id);
  const problem = text => { byId("problem").textContent = text; byId("problem").hidden = !text; };
  const ranges = { azimuth: [0, 360, 1], elevation: [-10, 60, 1], scale: [0.6, 1.6, 0.02] };
  const names = { object: "camera", shape: "shape", texture: "texture", background: "background" };
  let asked = null, drawing = false, ended = false;

  async function post(command) {
    const answer = await fetch("do", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(command),
    });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    return found;
  }

  async function draw() {
    asked = { do: "draw", ...state };
    if (drawing || ended) return;
    drawing = true;
    while (asked) {
      const command = asked;
      asked = null;
      try {
        const found = await post(command);
        byId("neural").src = found.neural;
        byId("dibr").src = found.dibr;
        if (!ended) problem("");
      } catch (error) { problem(error instanceof TypeError ? "The program on this machine has ended." : error.message); }
    }
    drawing = false;
  }

  const { handles, objects } = await (await fetch("state")).json();
  const state = { object: 0, shape: 0, texture: 0, background: 0, azimuth: 0, elevation: 0, scale: 1 };
  const sliders = {};
  for (const name of handles) {
    const label = Object.assign(document.createElement("label"), { htmlFor: name }), output = document.createElement("output");
    const slider = Object.assign(document.createElement("input"), { type: "range", id: name });
    [slider.min, slider.max, slider.step] = ranges[name];
    slider.addEventListener("input", () => set(name, Number(slider.value)));
    label.append(name, output, slider);
    byId("handles").append(label);
    sliders[name] = { slider, output };
  }

  function set(name, value) {
    const [low, high] = ranges[name];
    state[name] = name === "azimuth" ? (value % 360 + 360) % 360 : Math.min(high, Math.max(low, value));
    sliders[name].slider.value = state[name];
    sliders[name].output.textContent = name === "scale" ? state[name].toFixed(2) : Math.round(state[name]) + "°";
    draw();
  }

  function toPhoto(number) {
    for (const of of ["object", "shape", "texture", "background"]) {
      state[of] = number;
      document.querySelector(`input[name=${of}][value="${number}"]`).checked = true;
    }
    set("azimuth", objects[number].azimuth);
    set("elevation", objects[number].elevation);
    if (sliders.scale) set("scale", 1);
  }

  for (const [of, told] of Object.entries(names)) {
    const set_ = document.createElement("fieldset"), legend = document.createElement("legend"), row = document.createElement("div");
    legend.textContent = of === "object" ? "photo" : `${told} of`;
    row.className = "choices";
    objects.forEach((object, number) => {
      const label = document.createElement("label"), image = new Image();
      const input = Object.assign(document.createElement("input"), { type: "radio", name: of, value: number });
      image.src = object.picture;
      image.alt = object.name;
      input.addEventListener("change", () => { if (of === "object") toPhoto(number); else { state[of] = number; draw(); } });
      label.append(input, image);
      row.append(label);
    });
    set_.append(legend, row);
    byId("donors").append(set_);
  }

  for (const picture of [byId("neural"), byId("dibr")]) {
    picture.addEventListener("load", () => picture.style.setProperty("--aspect", picture.naturalWidth / picture.naturalHeight));
    picture.addEventListener("pointerdown", event => picture.setPointerCapture(event.pointerId));
    picture.addEventListener("pointermove", event => {
      if (!picture.hasPointerCapture(event.pointerId) || !event.buttons) return;
      const turn = 180 / picture.clientWidth;
      state.azimuth -= event.movementX * turn;
      set("elevation", state.elevation + event.movementY * turn / 2);
      set("azimuth", state.azimuth);
    });
    picture.addEventListener("keydown", event => {
      const step = { ArrowLeft: ["azimuth", 5], ArrowRight: ["azimuth", -5], ArrowUp: ["elevation", 2], ArrowDown: ["elevation", -2] }[event.key];
      if (!step) return;
      event.preventDefault();
      set(step[0], state[step[0]] + step[1]);
    });
  }
  byId("reset").addEventListener("click", () => toPhoto(state.object));
  byId("finish").addEventListener("click", async () => {
    ended = true;
    await post({ do: "finish" });
    problem("The program has ended; this page can be closed.");
  });
  toPhoto(0);
})();
