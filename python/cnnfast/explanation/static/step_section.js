/** The section of one layer: what it reads, its kernels, its maps, and how the chosen value is computed. */
import { calculation } from "cnnfast/calculation.js";
import { histogram } from "cnnfast/charts.js";
import { asMaps } from "cnnfast/data.js";
import { element, link } from "cnnfast/dom.js";
import { COLORS, explanation } from "cnnfast/explanations.js";
import { kernels } from "cnnfast/kernels.js";
import { largest } from "cnnfast/maps.js";
import { MapsView } from "cnnfast/maps_view.js";
import { integer, medium, short } from "cnnfast/numbers.js";
import { explained, valueTerms } from "cnnfast/terms.js";

/** @param {object} app see page.js @param {number} k number of the value that the layer computes */
export function stepSection(app, k) {
  const { network } = app;
  const step = network.stepOf(k);
  const section = element("section", { id: `step-${k}`, "aria-labelledby": `title-${k}` });
  section.append(
    element("h2", { id: `title-${k}` }, named(network, k)),
    element("p", { class: "number small" }, `${step.text} → ${shapeText(network.shape(k))}`),
    connections(network, k),
  );
  if (explanation(step)) section.append(element("p", {}, explanation(step)));
  if (!network.values(k)) {
    section.append(element("p", { class: "quiet" }, "The numbers of this layer are not in this page; choose layers by --layers."));
    return section;
  }
  if (step.rule?.kind === "window_sum") section.append(kernels(app, k));
  section.append(...maps(app, k));
  if (step.histogram) section.append(weights(step));
  return section;
}

/** "3. pool1 MaxPool2d"; a layer without a name has its number and operation as its title already. */
function named(network, k) {
  const title = network.titles[k];
  if (title !== network.names[k]) return title;
  return element("span", {}, `${k}. ${title} `, element("span", { class: "quiet" }, network.stepOf(k).op));
}

/** "8 maps of 28 × 28". @param {number[]} shape */
export function shapeText(shape) {
  if (shape.length === 1) return `${integer(shape[0])} values`;
  const [channels, ...rest] = shape;
  const what = rest.length === 1 ? "rows" : "maps";
  return `${channels} ${channels === 1 ? what.slice(0, -1) : what} of ${rest.join(" × ")}`;
}

function connections(network, k) {
  const to = (number) => element("a", { href: number === 0 ? "#input" : `#step-${number}` }, network.titles[number]);
  const list = (numbers) => numbers.flatMap((number, i) => (i ? [", ", to(number)] : [to(number)]));
  const readers = [...new Set(network.readers[k].map(([s]) => s + 1))];
  return element(
    "p", { class: "small quiet" },
    "reads ", ...list(network.stepOf(k).inputs),
    readers.length ? "; read by " : "; the output of the network", ...list(readers),
  );
}

/** The maps, the chosen map's numbers, and the calculation of the chosen value. */
function maps(app, k) {
  const { network } = app;
  const step = network.stepOf(k);
  const place = element("div", { class: "calculation" });
  const source = app.source(k);
  const known = explained(step) && step.inputs.every((input) => network.values(input));
  const show = once((flat) => {
    if (!known) return;
    const nodes = calculation(app, k, flat, valueTerms(network, k, flat));
    const more = link("inspect every term", () => app.inspect({ k, index: flat }));
    place.replaceChildren(element("h3", {}, `How ${network.label(k, flat)} is computed`), ...nodes, more);
  });
  const view = new MapsView({
    ...source,
    first: () => strongest(network.values(k)),
    choose: (flat) => {
      show(flat);
      numbers.map(flat);
    },
  });
  const numbers = mapNumbers(app, k);
  app.add(k, view);
  const title = element("h3", {}, network.shape(k).length === 1 ? "Its values" : "Its feature maps");
  return [title, element("p", { class: "small quiet" }, COLORS), view.node, place, numbers.node].filter(Boolean);
}

/** The numbers of one map, large; follows the map of the chosen value. */
export function mapNumbers(app, k) {
  const { network } = app;
  const [, height, width] = asMaps(network.shape(k));
  const plane = height * width;
  const what = height === 1 ? "row" : "map";
  if (plane === 1) return { node: null, map: () => {} };
  let first = 0;
  const source = app.source(k);
  const view = new MapsView({
    ...source,
    values: () => source.values().subarray(first, first + plane),
    shape: [1, height, width],
    describe: (flat) => source.describe(first + flat),
    inspect: (flat) => source.inspect(first + flat),
    marks: () => shifted(source.marks(), first, plane),
    label: `One ${what} of ${network.titles[k]}, with numbers`,
    size: { cell: 40, gap: 0, least: 26 },
  });
  app.add(k, view);
  const title = element("summary", {}, `Numbers of ${what} 0`);
  const node = element("details", {}, title, view.node);
  const map = (flat) => {
    const next = Math.floor(flat / plane) * plane;
    if (next === first) return;
    first = next;
    title.textContent = `Numbers of ${what} ${first / plane}`;
    if (node.open) view.update();
    else view.drawn = 0;
  };
  node.addEventListener("toggle", () => node.open && view.draw());
  return { node, map };
}

function shifted({ chosen, marked }, first, plane) {
  const inside = (flat) => flat >= first && flat < first + plane;
  return {
    chosen: chosen !== null && inside(chosen) ? chosen - first : null,
    marked: marked.filter(inside).map((flat) => flat - first),
  };
}

function weights(step) {
  const { parameter, counts } = step.histogram;
  const label = `Histogram of ${integer(counts.reduce((a, b) => a + b, 0))} numbers of ${parameter}`;
  return element("details", {}, element("summary", {}, label), histogram(step.histogram, label));
}

/** What views of a value have in common: numbers or gradients, with colors, texts and marks. */
export function valueSource(app, k) {
  const { network } = app;
  const showsGradients = () => app.gradients && network.gradients(k);
  const values = () => (showsGradients() ? network.gradients(k) : network.values(k));
  return {
    values,
    shape: network.shape(k),
    label: `${network.titles[k]}: ${shapeText(network.shape(k))}`,
    describe: (flat) => `${showsGradients() ? "d loss / d " : ""}${network.label(k, flat)} = ${medium(values()[flat])}`,
    inspect: (flat) => app.inspect({ k, index: flat, gradient: Boolean(showsGradients()) }),
    marks: () => app.marks(k),
    coloring: {
      get max() {
        return largest(values());
      },
      numbers: short,
    },
  };
}

/** Position of the largest magnitude. */
function strongest(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (Math.abs(values[i]) > Math.abs(values[best])) best = i;
  return best;
}

/** Calls a function with the last argument, at most once per frame. */
function once(call) {
  let last;
  let waiting = false;
  return (argument) => {
    last = argument;
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      call(last);
    });
  };
}
