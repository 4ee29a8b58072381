/**
 * Draws arrays of numbers on canvases.
 *
 * Scale "gray": from `min` (black) to `max` (white). Scale "diverging": −max blue, 0 white, +max red. A value that is
 * not finite is yellow.
 *
 * @typedef {{scale?: "gray"|"diverging", min?: number, max?: number}} Coloring
 * @typedef {{channels: number, height: number, width: number, columns: number, cell: number, gap: number}} Layout
 */

const BLUE = [33, 92, 172];
const RED = [190, 30, 45];
const NOT_FINITE = [255, 215, 0];

/** Largest magnitude of the finite values, 1 if all are zero. @param {ArrayLike<number>} values */
export function largest(values) {
  let max = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]);
    if (size > max && size < Infinity) max = size;
  }
  return max || 1;
}

/**
 * Red, green and blue of a value, 0 to 255.
 *
 * @param {number} value @param {Coloring} coloring with max
 * @returns {number[]}
 */
export function color(value, { scale = "diverging", min = 0, max = 1 }) {
  if (!Number.isFinite(value)) return NOT_FINITE;
  if (scale === "gray") {
    const level = 255 * Math.min(1, Math.max(0, (value - min) / (max - min || 1)));
    return [level, level, level];
  }
  const part = Math.min(1, Math.abs(value) / max);
  const end = value < 0 ? BLUE : RED;
  return end.map((level) => 250 + (level - 250) * part);
}

/** Black or white, whichever is easier to read on a color. @param {number[]} rgb */
export function textColor([red, green, blue]) {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "#000" : "#fff";
}

/**
 * Draws one map, a pixel of the canvas for each value; style the canvas with `image-rendering: pixelated`.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values row by row
 * @param {number} height @param {number} width @param {Coloring} coloring
 */
export function drawMap(canvas, values, height, width, coloring = {}) {
  canvas.width = width;
  canvas.height = height;
  const whole = { max: largest(values), ...coloring };
  canvas.getContext("2d").putImageData(pixels(values, 0, height, width, whole), 0, 0);
}

/** Draws an image of one channel (gray) or three (red, green, blue). @param {ArrayLike<number>} values (c, h, w) */
export function drawImage(canvas, values, [channels, height, width], max = 255) {
  if (channels !== 3) {
    drawMap(canvas, values, height, width, { scale: "gray", min: 0, max });
    return;
  }
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  const plane = height * width;
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = (255 * values[c * plane + i]) / max;
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/**
 * Rows and columns for maps side by side in a given width (CSS pixels); more than 3 maps are at least two in a row, more than 16 four.
 *
 * @param {number[]} shape (channels, height, width) @param {number} available
 * @param {{cell?: number, gap?: number, least?: number}} wish largest and smallest size of one value
 * @returns {Layout}
 */
export function layOut([channels, height, width], available, { cell = 8, gap = 6, least = 1 } = {}) {
  const abreast = height === 1 || channels <= 3 ? 1 : channels > 16 ? 4 : 2; // on phones, too
  const size = Math.max(least, Math.min(cell, Math.floor((available / abreast - gap) / width)));
  const fitting = Math.max(1, Math.min(channels, Math.floor((available + gap) / (width * size + gap))));
  const columns = height === 1 && width > 16 ? 1 : fitting; // a sequence is one row for each channel
  return { channels, height, width, columns, cell: size, gap };
}

/** Upper left corner of a channel's map (CSS pixels). @param {Layout} layout @param {number} channel */
export function corner({ height, width, columns, cell, gap }, channel) {
  return [(channel % columns) * (width * cell + gap), Math.floor(channel / columns) * (height * cell + gap)];
}

/** Flat index of the value at a point (CSS pixels), or −1. @param {Layout} layout */
export function valueAt(layout, x, y) {
  const { channels, height, width, columns, cell, gap } = layout;
  const column = Math.floor(x / (width * cell + gap));
  const channel = Math.floor(y / (height * cell + gap)) * columns + column;
  if (x < 0 || y < 0 || column >= columns || channel >= channels) return -1;
  const [left, top] = corner(layout, channel);
  const [row, at] = [Math.floor((y - top) / cell), Math.floor((x - left) / cell)];
  return row < height && at < width ? (channel * height + row) * width + at : -1;
}

/**
 * Draws all maps of a value side by side, and sets the size of the canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values (channels, height, width), flat
 * @param {Layout} layout
 * @param {Coloring & {numbers?: (value: number) => string}} options numbers: prints each value into its cell
 */
export function drawMaps(canvas, values, layout, options = {}) {
  const { channels, height, width, columns, cell, gap } = layout;
  const context = sized(
    canvas,
    columns * (width * cell + gap) - gap,
    Math.ceil(channels / columns) * (height * cell + gap) - gap,
  );
  const coloring = { max: largest(values), ...options };
  const tile = document.createElement("canvas");
  tile.width = width;
  tile.height = height;
  const drawn = tile.getContext("2d");
  context.imageSmoothingEnabled = false;
  for (let channel = 0; channel < channels; channel++) {
    const [left, top] = corner(layout, channel);
    drawn.putImageData(pixels(values, channel * height * width, height, width, coloring), 0, 0);
    context.drawImage(tile, left, top, width * cell, height * cell);
  }
  if (options.numbers) print(context, values, layout, coloring);
}

/** Sets the size in CSS pixels, sharp on every display. @returns {CanvasRenderingContext2D} */
export function sized(canvas, width, height) {
  const ratio = globalThis.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  canvas.style.width = `${Math.max(1, width)}px`;
  canvas.style.height = `${Math.max(1, height)}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

function pixels(values, start, height, width, coloring) {
  const image = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    const [red, green, blue] = color(values[start + i], coloring);
    image.data[4 * i] = red;
    image.data[4 * i + 1] = green;
    image.data[4 * i + 2] = blue;
    image.data[4 * i + 3] = 255;
  }
  return image;
}

function print(context, values, layout, coloring) {
  const { height, width, cell } = layout;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let i = 0; i < values.length; i++) {
    const [left, top] = corner(layout, Math.floor(i / (height * width)));
    const text = coloring.numbers(values[i]);
    context.font = `${Math.min(13, cell * 0.4, (1.4 * cell) / text.length)}px system-ui, sans-serif`;
    context.fillStyle = textColor(color(values[i], coloring));
    const [row, column] = [Math.floor(i / width) % height, i % width];
    context.fillText(text, left + (column + 0.5) * cell, top + (row + 0.5) * cell);
  }
}
