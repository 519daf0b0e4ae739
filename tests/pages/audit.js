// What is wrong with the page as it is shown now; each finding is a sentence. `audit.focused()` is of the focus alone.
(function () {
  const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
  const told = element => {
    const classes = [...element.classList].filter(name => !name.startsWith("audit-"));
    const name = element.id ? `#${element.id}` : classes.length ? `.${classes.join(".")}` : "";
    if (element instanceof SVGElement && !name && element.parentElement) return `<${element.tagName}> in ${told(element.parentElement)}`;
    return `<${element.tagName.toLowerCase()}${name}> ${(element.textContent || element.getAttribute("aria-label") || "").trim().slice(0, 30)}`;
  };
  const color = text => {
    const numbers = (text.match(/-?[\d.]+(e-?\d+)?/g) || []).map(Number);
    const scale = text.startsWith("color(") ? 255 : 1;  // color(srgb r g b / a) of color-mix
    const [r, g, b, a = 1] = numbers;
    return { rgb: [r, g, b].map(value => value * scale), a };
  };
  const over = (above, alpha, below) => above.map((value, i) => alpha * value + (1 - alpha) * below[i]);
  const luminance = rgb => {
    const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const above = element => { const chain = []; for (let e = element; e; e = e.parentElement) chain.unshift(e); return chain; };
  const opacity = element => above(element).reduce((all, e) => all * Number(getComputedStyle(e).opacity), 1);

  // All colours that may lie behind an element: those of gradients are several. Pictures count as what is behind them.
  function backdrops(element) {
    let found = [matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0] : [255, 255, 255]], seen = 1;
    for (const e of above(element)) {
      const style = getComputedStyle(e), plain = color(style.backgroundColor);
      seen *= Number(style.opacity);
      found = found.map(below => over(plain.rgb, plain.a * seen, below));
      if (style.backgroundImage.includes("gradient")) {
        const stops = style.backgroundImage.match(/(rgba?|color)\([^)]*\)/g) || [];
        found = stops.flatMap(stop => found.map(below => over(color(stop).rgb, color(stop).a * seen, below)));
      }
    }
    return found;
  }

  const shown = element => {
    if (!element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })) return false;
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && box.right + scrollX > 0 && box.bottom + scrollY > 0;
  };

  function contrast() {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = new Map();
    while (walker.nextNode()) {
      const text = walker.currentNode.data.trim(), element = walker.currentNode.parentElement;
      if (!text || !shown(element) || element.closest("script, style, :disabled")) continue;
      const style = getComputedStyle(element), drawn = element instanceof SVGElement;
      const ink = color(drawn ? style.fill : style.color), size = parseFloat(style.fontSize);
      const large = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700, least = large ? 3 : 4.5;
      const haloed = drawn && style.paintOrder.startsWith("stroke") && style.stroke !== "none";
      const behind = haloed ? [color(style.stroke).rgb] : backdrops(element);
      const worst = Math.min(...behind.map(below => ratio(over(ink.rgb, ink.a * opacity(element), below), below)));
      if (worst < least - 0.005) found.set(told(element), `contrast ${worst.toFixed(2)} of ${told(element)}`);
    }
    return [...found.values()];
  }

  // What is drawn, not written: lines and areas of drawings, small coloured boxes, and the borders of fields.
  const DRAWN = "path, line, circle, rect, polyline, polygon, ellipse", EMPTY = "i:empty, b:empty, span:empty";
  // Rules behind curves, the log beneath its mean, a line from where to where, the white around a ring on a
  // picture: they add to what stands beside them and tell nothing alone.
  const BESIDE = "defs, clipPath, marker, mask, .rule, .grid, .raw, .move, .halo";

  function drawings() {
    const found = new Map();
    const look = (element, behind, paints) => {
      const seen = opacity(element), inks = paints.map(color).filter(ink => ink.a > 0);
      if (!inks.length || element.closest(`${BESIDE}, :disabled`)) return;
      const worst = Math.min(...behind.map(below => Math.max(...inks.map(ink => ratio(over(ink.rgb, ink.a * seen, below), below)))));
      if (worst < 3 - 0.005) found.set(told(element), `contrast ${worst.toFixed(2)} of what is drawn, ${told(element)}`);
    };
    const outline = e => (getComputedStyle(e).filter.match(/(rgba?|color)\([^)]*\)(?= \S+ \S+ 0px)/g) || []);  // sharp drop-shadows
    const seen = e => e.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true });
    for (const e of document.querySelectorAll(DRAWN)) {
      const style = getComputedStyle(e), paints = [];
      if (!seen(e)) continue;
      if (style.fill !== "none" && e.tagName !== "line") paints.push([style.fill, style.fillOpacity]);
      if (style.stroke !== "none" && parseFloat(style.strokeWidth) > 0) paints.push([style.stroke, style.strokeOpacity]);
      const faded = paints.map(([paint, alpha]) => { const { rgb, a } = color(paint); return `rgba(${rgb}, ${a * alpha})`; });
      look(e, backdrops(e.ownerSVGElement), [...faded, ...above(e).flatMap(outline)]);
    }
    for (const e of document.querySelectorAll(`${EMPTY}, input, select, textarea`)) {
      const style = getComputedStyle(e), box = e.getBoundingClientRect();
      if (!shown(e) || /range|checkbox|radio|file/.test(e.type) || opacity(e) === 0) continue;
      if (!e.matches("input, select, textarea") && style.backgroundImage !== "none") continue;  // a picture
      const edge = parseFloat(style.borderTopWidth) > 0 ? [style.borderTopColor] : [];
      if (box.width > 1 && box.height > 1) look(e, backdrops(e.parentElement), [style.backgroundColor, ...edge]);
    }
    for (const e of document.body.querySelectorAll("*")) for (const part of ["::before", "::after"]) {
      const style = getComputedStyle(e, part), written = style.content.replace(/^"|"$/g, "");
      if (/none|normal/.test(style.content) || style.display === "none" || !shown(e)) continue;
      const edge = parseFloat(style.borderTopWidth) > 0 ? [style.borderTopColor] : [];
      if (written || edge.length || parseFloat(style.width) > 0) look(e, backdrops(e), written ? [style.color] : [style.backgroundColor, ...edge]);
    }
    return [...found.values()];
  }

  // What is pressed or current differs from what beside it is not, in more than a shade.
  const CHOSEN = "[aria-pressed=true], [aria-selected=true], [aria-current]:not([aria-current=false])";
  function chosen() {
    const paints = e => {
      const style = getComputedStyle(e), plain = color(style.backgroundColor), shadow = color((style.boxShadow.match(/^(rgba?|color)\([^)]*\)/) || ["rgba(0, 0, 0, 0)"])[0]);
      const edges = ["Top", "Right", "Bottom", "Left"].map(side => parseFloat(style[`border${side}Width`]) > 0 ? color(style[`border${side}Color`]) : { rgb: [0, 0, 0], a: 0 });
      const [below] = backdrops(e.parentElement);
      return [plain, shadow, ...edges, color(style.color)].map(ink => over(ink.rgb, ink.a, below));
    };
    return [...document.querySelectorAll(CHOSEN)].filter(shown).flatMap(e => {
      const beside = e.closest("[role=group], .segmented, ol, ul, nav, div")?.querySelectorAll(e.tagName) || [];
      const other = [...beside].find(o => o !== e && !o.matches(CHOSEN) && !o.disabled && shown(o) && o.className === e.className);
      if (!other) return [];
      const mine = paints(e), its = paints(other), best = Math.max(...mine.map((paint, i) => ratio(paint, its[i])));
      return best < 3 - 0.005 ? [`chosen by contrast ${best.toFixed(2)} alone: ${told(e)}`] : [];
    });
  }

  // The page with all that it does under a pointer, with the focus, or pressed, at once: rules for a state hold
  // for a class too, which everything then has.
  const STATES = { hover: /:hover/g, focus: /:focus(-visible|-within)?/g, active: /:active/g };
  function also(rules, holder, pattern, name) {
    for (let i = rules.length - 1; i >= 0; i--) {
      if (rules[i].selectorText === undefined) { if (rules[i].cssRules) also(rules[i].cssRules, rules[i], pattern, name); continue; }
      if (rules[i].selectorText.search(pattern) < 0) continue;
      const head = rules[i].selectorText.replace(pattern, `.audit-${name}`);
      holder.insertRule(`${head} { ${rules[i].style.cssText} }`, i + 1);
    }
  }
  function inState(name, look) {
    const all = [...document.body.querySelectorAll("*")].filter(e => !e.matches(":disabled"));
    for (const e of all) e.classList.add(`audit-${name}`);
    const found = look().map(line => `${name}: ${line}`);
    for (const e of all) e.classList.remove(`audit-${name}`);
    return found;
  }
  for (const [name, pattern] of Object.entries(STATES)) for (const sheet of document.styleSheets) also(sheet.cssRules, sheet, pattern, name);
  const told_plainly = () => [...contrast(), ...drawings()];
  function colours() {
    const plain = new Set(told_plainly());
    const later = Object.keys(STATES).flatMap(name => inState(name, () => told_plainly().filter(line => !plain.has(line))));
    return [...plain, ...later];
  }

  function wide() {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width && document.body.scrollWidth <= width) return [];
    const out = [...document.body.querySelectorAll("*")].filter(e => shown(e) && e.getBoundingClientRect().right > width + 0.5);
    return [`${document.documentElement.scrollWidth} wide: ${out.slice(0, 5).map(told).join("; ")}`];
  }

  const reachable = () => [...document.querySelectorAll(FOCUSABLE)].filter(e => e.tabIndex >= 0 && !e.disabled && shown(e));
  const named = e => (e.getAttribute("aria-label") || e.title || e.textContent || "").trim()
    || [...(e.labels || [])].some(l => l.textContent.trim() || l.querySelector("img[alt]")) || e.getAttribute("alt") || e.querySelector("img[alt], [aria-label]");

  function pointed() {
    const found = [];
    for (const e of document.body.querySelectorAll("*")) {
      const style = getComputedStyle(e);
      if (!shown(e)) continue;
      if (style.cursor === "pointer" && getComputedStyle(e.parentElement).cursor !== "pointer"
        && !e.closest(`${FOCUSABLE}, label`)) found.push(`no key presses ${told(e)}`);
      const scrolls = ["X", "Y"].some(axis => /auto|scroll/.test(style[`overflow${axis}`])
        && e[axis === "X" ? "scrollWidth" : "scrollHeight"] > e[axis === "X" ? "clientWidth" : "clientHeight"] + 1);
      if (scrolls && e !== document.body && !reachable().some(inner => e.contains(inner))) found.push(`no key scrolls ${told(e)}`);
    }
    return [...found, ...reachable().filter(e => !named(e)).map(e => `no name: ${told(e)}`)];
  }

  // The focus: which of `reachable` has it, and whether one sees that.
  function focused() {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const problems = [], mark = getComputedStyle(element).opacity === "0" ? element.nextElementSibling : element;
    const style = getComputedStyle(mark), width = parseFloat(style.outlineWidth);
    const outer = mark.parentElement && parseFloat(style.outlineOffset) >= 0 ? mark.parentElement : mark;
    if (style.outlineStyle === "none" || width < 2) problems.push(`no outline on ${told(element)}`);
    else {
      const ink = color(style.outlineColor), worst = Math.min(...backdrops(outer).map(below => ratio(over(ink.rgb, ink.a, below), below)));
      if (worst < 3) problems.push(`outline of contrast ${worst.toFixed(2)} on ${told(element)}`);
    }
    const box = mark.getBoundingClientRect();
    if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) problems.push(`focus out of sight: ${told(element)}`);
    else {
      const x = Math.min(Math.max(box.x + box.width / 2, 1), innerWidth - 1), y = Math.min(Math.max(box.y + box.height / 2, 1), innerHeight - 1);
      const top = document.elementFromPoint(x, y);
      if (top && top !== document.body && !mark.contains(top) && !top.contains(mark) && !top.closest("label")?.contains(mark)) problems.push(`focus of ${told(element)} is under ${told(top)}`);
    }
    return { number: order.indexOf(element), problems };
  }

  let order = [];
  // Tab goes on from where the focus was last: from before the first.
  const walk = () => {
    const start = document.createElement("i");
    start.tabIndex = -1;
    document.body.prepend(start);
    start.focus();
    start.remove();
    scrollTo(0, 0);
    order = reachable();
    return order.length;
  };
  // One of a group of radio buttons is reached by Tab, the others by arrows.
  const missed = visited => order.filter((e, i) => !visited.includes(i)
    && !(e.type === "radio" && order.some((o, j) => visited.includes(j) && o.name === e.name))).map(e => `Tab never comes to ${told(e)}`);
  window.audit = { looks: () => [...wide(), ...colours(), ...chosen(), ...pointed()], walk, focused, missed };
})();
