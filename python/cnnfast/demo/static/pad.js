/**
 * The drawing area: strokes of mouse, pen, finger or keys, dark on white.
 *
 * @typedef {Array<[number, number]>} Stroke points in the pixels of the canvas
 */

const WIDTH = 18;
const STEP = 6;

export class Pad {
  /** @param {HTMLCanvasElement} canvas @param {() => void} changed called after every change of the drawing */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    /** @type {Stroke[]} */
    this.strokes = [];
    this.image = null;
    this.pen = [canvas.width / 2, canvas.height / 2];
    this.joined = false; // the next point of a key goes on with the last stroke
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#draw());
    canvas.addEventListener("focus", () => this.#draw());
    this.#draw();
  }

  get isEmpty() {
    return this.strokes.length === 0 && this.image === null;
  }

  undo() {
    this.joined = false;
    if (this.strokes.length === 0) this.image = null;
    this.strokes.pop();
    this.#update();
  }

  clear() {
    this.joined = false;
    this.strokes = [];
    this.image = null;
    this.#update();
  }

  /** Shows an image in place of the drawing; strokes go on top. @param {ImageBitmap} image */
  show(image) {
    this.joined = false;
    this.strokes = [];
    this.image = image;
    this.#draw();
  }

  /** Gray values row by row, 0 black. @returns {Uint8Array} */
  pixels() {
    this.#draw(false);
    const { width, height } = this.canvas;
    const { data } = this.canvas.getContext("2d").getImageData(0, 0, width, height);
    const gray = new Uint8Array(width * height);
    for (let i = 0; i < gray.length; i++) gray[i] = (data[4 * i] + 2 * data[4 * i + 1] + data[4 * i + 2]) / 4;
    this.#draw();
    return gray;
  }

  #begin(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.joined = false;
    this.strokes.push([this.#point(event)]);
    this.#update();
  }

  #move(event) {
    if (!(event.buttons & 1) || this.strokes.length === 0) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const part of events.length ? events : [event]) this.strokes.at(-1).push(this.#point(part));
    this.#update();
  }

  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    const [across, down] = [event.clientX - box.left, event.clientY - box.top];
    return [(across * this.canvas.width) / box.width, (down * this.canvas.height) / box.height];
  }

  /** Arrows move the pen; with Shift they draw. */
  #key(event) {
    const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const before = [...this.pen];
    this.pen = this.pen.map((value, axis) => Math.min(this.canvas.width - 8, Math.max(8, value + move[axis])));
    if (!event.shiftKey) {
      this.joined = false;
      this.#draw();
      return;
    }
    if (!this.joined) this.strokes.push([before]);
    this.joined = true;
    this.strokes.at(-1).push([...this.pen]);
    this.#update();
  }

  #update() {
    this.#draw();
    this.changed();
  }

  #draw(withPen = document.activeElement === this.canvas) {
    const { width, height } = this.canvas;
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    if (this.image) {
      const scale = Math.min(width / this.image.width, height / this.image.height);
      const [w, h] = [this.image.width * scale, this.image.height * scale];
      context.drawImage(this.image, (width - w) / 2, (height - h) / 2, w, h);
    }
    context.strokeStyle = "#111";
    context.lineWidth = WIDTH;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.strokes) {
      context.beginPath();
      context.moveTo(...stroke[0]);
      for (const point of stroke.length > 1 ? stroke.slice(1) : stroke) context.lineTo(...point);
      context.stroke();
    }
    if (withPen && this.canvas.matches(":focus-visible")) {
      context.strokeStyle = "#0b57b0";
      context.lineWidth = 2;
      context.strokeRect(this.pen[0] - 5, this.pen[1] - 5, 10, 10);
    }
  }
}
