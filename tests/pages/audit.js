// What is wrong with the page as it is shown now; each finding is a sentence. `audit.focused()` is of the focus alone.
(function () {
  const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
  const told = element => {
    const name = element.id ? `#${element.id}` : element.className && element.className.baseVal === undefined ? `.${[...element.classList].join(".")}` : "";
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
  window.audit = { looks: () => [...wide(), ...contrast(), ...pointed()], walk, focused, missed };
})();
