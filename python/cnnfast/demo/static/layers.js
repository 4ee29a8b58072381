/** The values of every layer as maps, and the answer as bars. */

import { asMaps, decodeArray } from "./data.js";
import { element } from "./dom.js";
import { drawImage, drawMaps, layOut } from "./maps.js";
import { percent } from "./numbers.js";

/**
 * Draws all layers; the canvases of the same network are drawn again, not made again.
 *
 * @param {HTMLElement} place @param {Array<{name: string, operation: string, maps: number, values: object}>} layers
 */
export function showLayers(place, layers) {
  const names = layers.map((layer) => `${layer.name} ${layer.operation}`).join();
  if (place.dataset.names !== names) {
    place.dataset.names = names;
    place.replaceChildren(...layers.map(frame));
  }
  layers.forEach((layer, i) => draw(place.children[i].querySelector("canvas"), layer, place.clientWidth));
}

function frame({ name, operation, maps, values }) {
  const [channels, height, width] = asMaps(values.shape);
  const size = height * width > 1 ? `${maps} ${maps === 1 ? "map" : "maps"} of ${height} × ${width}` : `${maps} values`;
  const shown = channels < maps ? `, the first ${channels}` : "";
  const about = [operation, `${size}${shown}`].filter(Boolean).join(", ");
  const title = element("h3", {}, `${name} `, element("span", { class: "quiet" }, about));
  const canvas = element("canvas", { role: "img", "aria-label": `Values of ${name}` });
  return element("div", { class: "layer" }, title, element("div", { class: "scroll" }, canvas));
}

function draw(canvas, { values }, available) {
  const numbers = decodeArray(values);
  const shape = asMaps(numbers.shape);
  const isVector = shape[1] * shape[2] === 1;
  const layout = layOut(shape, available, isVector ? { cell: 14, gap: 2 } : { cell: 3, gap: 4 });
  drawMaps(canvas, numbers.values, layout);
}

/** The network's input. @param {HTMLCanvasElement} canvas @param {object} entry */
export function showInput(canvas, entry) {
  const { values, shape } = decodeArray(entry);
  drawImage(canvas, values, shape);
}

/**
 * Bars of the most likely classes, and the verdict as a sentence.
 *
 * @param {HTMLElement} place @param {HTMLElement} verdict
 * @param {{classes: string[], probabilities: number[], top: Array<[string, number]>}} answer
 */
export function showAnswer(place, verdict, { classes, probabilities, top }) {
  const [name, probability] = top[0];
  verdict.textContent = `${name}, ${percent(probability)}`;
  const order = probabilities.map((value, i) => [value, i]).sort((a, b) => b[0] - a[0]).slice(0, 10);
  place.replaceChildren(
    ...order.flatMap(([value, i], rank) => {
      const bar = element("span", { class: "bar" });
      bar.style.width = `${Math.max(0.5, 100 * value)}%`;
      const text = element(rank < 3 ? "strong" : "span", {}, classes[i]);
      return [text, element("span", {}, bar), element("span", {}, percent(value))];
    }),
  );
}
