// The large picture: zoom, pan, marks. Its view box is in the picture's pixels, (0, 0) the upper left corner.
const CLOSEST = 8;  // pixels across at the largest zoom
const SLACK = 4;    // what a hand trembles during a click, in pixels of the screen
const WIDTH = FACTS.width, HEIGHT = FACTS.height;
const SVG = "http://www.w3.org/2000/svg";

const viewer = {
  box: { x: 0, y: 0, width: WIDTH, height: HEIGHT },
  onPlace: null, onSelect: null, onMove: null, onHide: null,  // what the page does
  marks: [],  // {point, x, y, side, label}

  start() {
    const svg = byId("picture"), image = byId("image");
    image.setAttribute("width", WIDTH); image.setAttribute("height", HEIGHT);
    svg.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(1.2 ** (-event.deltaY / (event.deltaMode ? 3 : 100)), this.pixel(event));
    }, { passive: false });
    svg.addEventListener("contextmenu", (event) => event.preventDefault());
    svg.addEventListener("pointerdown", (event) => this.press(event));
    addEventListener("resize", () => this.draw());
    this.fit();
  },

  /** The picture's pixel under the pointer, which may lie outside. */
  pixel(event) {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(byId("picture").getScreenCTM().inverse());
    return { x: place.x, y: place.y };
  },

  /** The nearest place inside the picture. */
  inside: ({ x, y }) => ({ x: Math.min(Math.max(x, 0), WIDTH), y: Math.min(Math.max(y, 0), HEIGHT) }),

  factor() { return WIDTH / this.box.width; },

  fit() { this.box = { x: 0, y: 0, width: WIDTH, height: HEIGHT }; this.draw(); },

  zoom(by, about) {
    const { x, y } = this.inside(about ?? { x: this.box.x + this.box.width / 2, y: this.box.y + this.box.height / 2 });
    const width = Math.min(Math.max(this.box.width / by, Math.min(CLOSEST, WIDTH)), WIDTH), share = width / this.box.width;
    this.box = { x: x - (x - this.box.x) * share, y: y - (y - this.box.y) * share, width, height: this.box.height * share };
    this.shift(0, 0);
  },

  /** Move the view by so many of the picture's pixels, no further than its border. */
  shift(x, y) {
    this.box.x = Math.min(Math.max(this.box.x + x, 0), WIDTH - this.box.width);
    this.box.y = Math.min(Math.max(this.box.y + y, 0), HEIGHT - this.box.height);
    this.draw();
  },

  press(event) {
    if (event.button === 2) return this.onHide();
    if (event.button > 1) return;
    event.preventDefault();
    const svg = byId("picture"), from = { x: event.clientX, y: event.clientY };
    const mark = event.button ? null : this.marks.find((m) => String(m.point) === event.target.closest(".spot")?.dataset.point);
    const grip = mark && { x: mark.x - this.pixel(event).x, y: mark.y - this.pixel(event).y };
    let before = this.pixel(event), moved = false;
    svg.setPointerCapture(event.pointerId);
    const drag = (move) => {
      moved ||= Math.hypot(move.clientX - from.x, move.clientY - from.y) > SLACK;
      if (!moved) return;
      const now = this.pixel(move);
      if (mark) { Object.assign(mark, this.inside({ x: now.x + grip.x, y: now.y + grip.y })); this.draw(); }
      else { this.shift(before.x - now.x, before.y - now.y); before = this.pixel(move); }
    };
    const end = (last) => {
      svg.removeEventListener("pointermove", drag);
      svg.removeEventListener("pointerup", end); svg.removeEventListener("pointercancel", end);
      if (mark) { if (moved) this.onMove(mark.point, mark); else this.onSelect(mark.point); }
      else if (!moved && !event.button && last.type === "pointerup") {
        const place = this.pixel(event);
        if (place.x >= 0 && place.y >= 0 && place.x <= WIDTH && place.y <= HEIGHT) this.onPlace(place);
      }
    };
    svg.addEventListener("pointermove", drag);
    svg.addEventListener("pointerup", end); svg.addEventListener("pointercancel", end);
  },

  /** Show a picture and its marks; `selected` is the point being worked on. */
  show(uri, marks, selected) {
    if (byId("image").getAttribute("href") !== uri) byId("image").setAttribute("href", uri);
    this.marks = marks; this.selected = selected;
    this.draw();
  },

  draw() {
    const svg = byId("picture"), { x, y, width, height } = this.box;
    svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
    if (!svg.clientWidth) return;  // the page's end hides it
    const scale = Math.max(width / svg.clientWidth, height / svg.clientHeight);  // pixels of the picture per screen's
    svg.classList.toggle("blocks", scale < 1 / 24);
    byId("factor").textContent = `${this.factor().toFixed(this.factor() < 10 ? 1 : 0).replace(".0", "")}×`;
    byId("marks").replaceChildren(...this.marks.map((mark) => {
      const group = document.createElementNS(SVG, "g");
      group.setAttribute("class", `spot ${mark.side}${mark.point === this.selected ? " selected" : ""}`);
      group.setAttribute("transform", `translate(${mark.x} ${mark.y}) scale(${scale})`);
      group.dataset.point = mark.point;
      group.innerHTML = '<circle class="halo" r="8"/><circle class="ring" r="8"/><circle class="dot" r="1.6"/><text x="12" y="4.5"></text>';
      group.lastChild.textContent = mark.label;
      return group;
    }));
  },
};
