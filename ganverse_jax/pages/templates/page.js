"use strict";
// The contents follow the reader; charts answer the pointer; pictures may be shown with crisp pixels, held still,
// or faded to what is below them.
(function () {
  const links = new Map([...document.querySelectorAll("nav a")].map(a => [a.hash.slice(1), a]));
  const places = [...links.keys()].map(id => document.getElementById(id)).filter(Boolean);
  let current = null;
  function mark() {
    const line = innerHeight * 0.35;
    let here = places[0];
    for (const p of places) if (p.getBoundingClientRect().top <= line) here = p;
    if (here === current) return;
    if (current) links.get(current.id).removeAttribute("aria-current");
    const link = links.get(here.id), bar = link.closest("nav");
    link.setAttribute("aria-current", "true");
    if (bar.scrollWidth > bar.clientWidth) bar.scrollTo({ left: link.offsetLeft - 24, behavior: "smooth" });
    current = here;
  }
  addEventListener("scroll", mark, { passive: true });
  mark();

  const crisp = document.getElementById("crisp");
  crisp.addEventListener("change", () => document.documentElement.classList.toggle("crisp", crisp.checked));

  // A picture's only source is its still frame, for whom motion is not wanted.
  for (const hold of document.querySelectorAll(".hold input"))
    hold.addEventListener("change", () => {
      const media = hold.checked ? "all" : "(prefers-reduced-motion: reduce)";
      for (const still of hold.closest("figure").querySelectorAll("picture source")) still.media = media;
    });

  for (const fade of document.querySelectorAll(".laid input"))
    fade.addEventListener("input", () => { fade.closest(".laid").querySelector("img:last-of-type").style.opacity = fade.value / 100; });

  // A slider, or a drag across the pictures, walks along the frames of an edit.
  for (const slider of document.querySelectorAll(".handle input[type=range]")) {
    const figure = slider.closest("figure"), strips = figure.querySelectorAll(".strip");
    const labels = slider.dataset.labels.split("|"), output = figure.querySelector("output");
    const show = () => {
      for (const strip of strips) strip.style.setProperty("--frame", slider.value);
      output.textContent = labels[slider.value];
    };
    slider.addEventListener("input", show);
    show();
    for (const strip of strips)
      strip.addEventListener("pointermove", event => {
        if (!event.buttons) return;
        const box = strip.getBoundingClientRect(), share = (event.clientX - box.left) / box.width;
        slider.value = Math.round(share * slider.max);
        show();
      });
  }

  const tell = v => {
    const a = Math.abs(v);
    return a >= 1000 ? Math.round(v).toLocaleString("en") : a && a < 1e-3 ? v.toExponential(1) : String(+v.toPrecision(3));
  };
  const left = 42, right = 292, top = 8, bottom = 130;
  for (const svg of document.querySelectorAll(".chart svg")) {
    const path = svg.querySelector(".hover");
    if (!path) continue;
    const points = path.getAttribute("d").match(/-?[\d.]+ -?[\d.]+/g).map(p => p.split(" ").map(Number));
    const [x0, x1, y0, y1, log] = svg.dataset.scale.split(",").map(Number);
    const make = (name, cls) => {
      const e = document.createElementNS(svg.namespaceURI, name);
      e.setAttribute("class", cls);
      return e;
    };
    const rule = make("line", "cursor"), dot = make("circle", "dot");
    dot.setAttribute("r", 3);
    const value = svg.closest(".chart").querySelector("header span:last-child"), resting = value.textContent;
    svg.addEventListener("pointermove", event => {
      const box = svg.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * 300;
      const near = points.reduce((a, b) => Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a);
      for (const k of ["x1", "x2"]) rule.setAttribute(k, near[0]);
      rule.setAttribute("y1", top); rule.setAttribute("y2", bottom);
      dot.setAttribute("cx", near[0]); dot.setAttribute("cy", near[1]);
      svg.append(rule, dot);
      const step = x0 + (near[0] - left) / (right - left) * (x1 - x0);
      const raw = y0 + (bottom - near[1]) / (bottom - top) * (y1 - y0);
      value.textContent = tell(log ? 10 ** raw : raw) + " at " + Math.round(step).toLocaleString("en");
    });
    svg.addEventListener("pointerleave", () => { rule.remove(); dot.remove(); value.textContent = resting; });
  }
})();
