/**
 * All maps of one value on a canvas. Pointer and keyboard choose a value: arrows move, Page Up and Page Down change the
 * map, Enter inspects.
 */
import { asMaps } from "cnnfast/data.js";
import { element } from "cnnfast/dom.js";
import { corner, drawMaps, layOut, sized, valueAt } from "cnnfast/maps.js";

/**
 * @typedef {object} Options
 * @property {() => ArrayLike<number>} values  flat, read when the view is drawn
 * @property {number[]} shape
 * @property {string} label  what is drawn, for assistive technology
 * @property {(flat: number) => string} describe  one value as text
 * @property {(flat: number) => void} [choose]  called when the pointer or the keyboard is on a value
 * @property {(flat: number) => void} [inspect]  called by a click or Enter
 * @property {() => {chosen: number|null, marked: number[]}} [marks]  what is outlined
 * @property {object} [coloring]  as of drawMaps
 * @property {() => number} [first]  the value that is chosen at first
 * @property {{cell?: number, gap?: number, least?: number}} [size]
 */

export class MapsView {
  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    this.shape = asMaps(options.shape);
    this.current = 0;
    this.touched = false;
    this.canvas = element("canvas", { class: "pixelated" });
    this.overlay = element("canvas", {
      class: "overlay",
      tabindex: "0",
      role: "application",
      "aria-label": `${options.label}. Arrows choose a value, Page Up and Page Down another map, Enter inspects it.`,
      onpointermove: (event) => this.point(event),
      onclick: (event) => this.point(event) && options.inspect?.(this.current),
      onkeydown: (event) => this.key(event),
      onfocus: () => this.choose(this.current),
    });
    this.readout = element("p", { class: "readout number", "aria-live": "polite" }, "\u00a0");
    this.stack = element("div", { class: "stack" }, this.canvas, this.overlay);
    this.node = element("div", { class: "maps" }, element("div", { class: "scroll" }, this.stack), this.readout);
    this.drawn = 0;
    this.visible = false;
    observe(this);
  }

  /** Draws for the width that is available now; called when the view becomes visible and when its width changes. */
  draw(width = this.node.clientWidth) {
    if (!this.visible || width <= 0) return;
    const vector = this.shape[1] * this.shape[2] === 1;
    const { size = vector ? { cell: 20, gap: 2 } : {}, coloring = {}, values } = this.options;
    this.layout = layOut(this.shape, width, size);
    const first = !this.drawn;
    this.drawn = width;
    const numbers = this.layout.cell >= 22 ? coloring.numbers : undefined;
    drawMaps(this.canvas, values(), this.layout, { ...coloring, numbers });
    if (first && this.options.first) this.choose(this.options.first());
    else this.outline();
  }

  /** Draws again, for example after other values were chosen. */
  update() {
    if (this.drawn) this.draw();
  }

  /** Outlines the chosen value and those that are marked. */
  outline() {
    if (!this.layout) return;
    const { columns, gap, cell, channels, width, height } = this.layout;
    const rows = Math.ceil(channels / columns);
    const context = sized(
      this.overlay,
      columns * (width * cell + gap) - gap,
      rows * (height * cell + gap) - gap,
    );
    const { chosen = null, marked = [] } = this.options.marks?.() ?? {};
    if (marked.length < channels * height * width) marked.forEach((flat) => this.mark(context, flat));
    if (this.touched) this.ring(context, this.current, "#f59e0b");
    if (chosen !== null) this.ring(context, chosen, "#e11d9c");
  }

  /** A frame inside the cell; in a small cell a tint. */
  mark(context, flat) {
    const [left, top] = this.place(flat);
    const { cell } = this.layout;
    context.lineWidth = 2;
    context.strokeStyle = "#f59e0b";
    context.fillStyle = "rgba(245, 158, 11, 0.5)";
    if (cell >= 12) context.strokeRect(left + 1, top + 1, cell - 2, cell - 2);
    else context.fillRect(left, top, cell, cell);
  }

  ring(context, flat, style) {
    const [left, top] = this.place(flat);
    const { cell } = this.layout;
    context.lineWidth = 2;
    context.strokeStyle = style;
    context.strokeRect(left - 1, top - 1, cell + 2, cell + 2);
  }

  place(flat) {
    const { height, width, cell } = this.layout;
    const [left, top] = corner(this.layout, Math.floor(flat / (height * width)));
    return [left + (flat % width) * cell, top + (Math.floor(flat / width) % height) * cell];
  }

  point(event) {
    if (!this.layout) return false;
    const flat = valueAt(this.layout, event.offsetX, event.offsetY);
    if (flat < 0) return false;
    if (flat !== this.current || event.type === "click") this.choose(flat);
    return true;
  }

  choose(flat) {
    this.current = flat;
    this.touched = true;
    this.readout.textContent = this.options.describe(flat);
    this.outline();
    this.options.choose?.(flat);
  }

  key(event) {
    if (event.key === "Enter" || event.key === " ") this.options.inspect?.(this.current);
    else if (!this.move(event.key)) return;
    event.preventDefault();
  }

  /** Moves to the neighbor in a direction; false for other keys. */
  move(key) {
    const [channels, height, width] = this.shape;
    const plane = height * width;
    const single = plane === 1;
    const down = single ? (this.layout?.columns ?? 1) : width;
    const distance = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -down, ArrowDown: down, PageUp: -plane, PageDown: plane,
      Home: -(this.current % width), End: width - 1 - (this.current % width),
    }[key];
    if (distance === undefined) return false;
    const next = this.current + distance;
    const leaves = !single && !key.startsWith("Page") && Math.floor(next / plane) !== Math.floor(this.current / plane);
    const wraps = !single && /Left|Right/.test(key) && Math.floor(next / width) !== Math.floor(this.current / width);
    if (next >= 0 && next < channels * plane && !leaves && !wraps) this.choose(next);
    return true;
  }
}

const views = new WeakMap();
const resized = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const view = views.get(target);
    if (view.visible && Math.abs(contentRect.width - view.drawn) > 1) view.draw(contentRect.width);
  }
});
const seen = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting || views.get(target).visible) continue;
      views.get(target).visible = true;
      views.get(target).draw();
    }
  },
  { rootMargin: "600px" },
);
// on paper there are no lazily drawn parts
globalThis.addEventListener("beforeprint", () => {
  for (const node of document.querySelectorAll(".maps")) {
    views.get(node).visible = true;
    views.get(node).draw();
  }
});

function observe(view) {
  views.set(view.node, view);
  resized.observe(view.node);
  seen.observe(view.node);
}
