/** Shows a sum: as an equation with its largest terms, as a table of all terms, and as windows of numbers. */
import { unravel } from "cnnfast/data.js";
import { element, link, table } from "cnnfast/dom.js";
import { drawMaps, largest } from "cnnfast/maps.js";
import { exact, medium, short, signed } from "cnnfast/numbers.js";
import { byContribution } from "cnnfast/terms.js";

/** Number of terms that are shown without a request for more. */
const FEW = 8;

/**
 * `name = 0.31·0.99 − 0.2·0.5 + … + bias = 0.81`, the largest products first.
 *
 * @param {string} name @param {import("cnnfast/terms.js").Sum} sum @param {{wrap?: string, result?: number}} options
 *   wrap: name of a function that is applied to the sum, with its result
 */
export function equation(name, sum, { wrap = "", result = sum.result } = {}) {
  const ordered = byContribution(sum.terms);
  const shown = ordered.slice(0, FEW);
  const rest = ordered.slice(FEW).reduce((total, term) => total + term.product, 0);
  const texts = shown.map((term, i) => `${i ? (term.product < 0 ? " − " : " + ") : term.product < 0 ? "−" : ""}${factors(term)}`);
  if (ordered.length > FEW) texts.push(` ${signed(rest)} (${ordered.length - FEW} smaller terms)`);
  if (sum.bias !== null) texts.push(` ${signed(sum.bias)} (bias)`);
  const inside = texts.join("").trim() || "0";
  const applied = sum.formula && !wrap ? [`sum = ${inside} = ${medium(sum.sum)};  ${name} = ${sum.formula} = ${medium(result)}`] : [];
  const plain = wrap ? `${name} = ${wrap}(${inside}) = ${medium(result)}` : `${name} = ${inside} = ${medium(result)}`;
  return element("p", { class: "equation number" }, ...(applied.length ? applied : [plain]));
}

/** The product without its sign: 0.31·0.99. */
function factors({ factor, value, product }) {
  if (factor === 1 && product === value) return medium(Math.abs(value));
  const usual = Math.abs(factor * value - product) <= 1e-12 * Math.abs(product);
  return usual ? `${medium(Math.abs(factor))}·${medium(Math.abs(value))}` : medium(Math.abs(product));
}

/**
 * All terms, the largest first; more of them on request. Inputs and weights are links.
 *
 * @param {object} app see page.js
 * @param {import("cnnfast/terms.js").Sum} sum
 * @param {{gradient?: boolean, step?: number}} options  gradient: the values are gradients; step: whose weights they are
 */
export function termTable(app, sum, { gradient = false, step = null } = {}) {
  const ordered = byContribution(sum.terms);
  const most = Math.abs(ordered[0]?.product) || 1;
  const place = element("div", { class: "scroll" });
  const show = (count) => {
    const rows = ordered.slice(0, count).map((term) => [
      link(app.network.label(term.k, term.index), () => app.inspect({ k: term.k, index: term.index, gradient })),
      number(term.value),
      weight(app, term, gradient ? term.k : step),
      number(term.product),
      bar(term.product / most),
    ]);
    const headings = gradient
      ? ["through", "gradient", "× factor", "= product", ""]
      : ["input", sum.label || "value", "× factor", "= product", ""];
    place.replaceChildren(table(headings, rows, { right: [1, 2, 3] }));
    if (count < ordered.length) {
      const more = element("button", { type: "button", onclick: () => show(ordered.length) }, `Show all ${ordered.length} terms`);
      place.append(more);
    }
  };
  show(FEW);
  return place;
}

function weight(app, term, step) {
  if (term.parameter === null || step === null) return number(term.factor);
  return link(medium(term.factor), () => app.inspect({ k: step, parameter: "weight", index: term.parameter }));
}

function number(value) {
  return element("span", { class: "number", title: exact(value) }, medium(value));
}

function bar(part) {
  const style = `width: ${Math.round(48 * Math.abs(part))}px`;
  return element("span", { class: part < 0 ? "bar negative" : "bar", style, "aria-hidden": "true" });
}

/**
 * A small grid with its numbers printed; `mark` outlines one of them.
 *
 * @param {ArrayLike<number>} values @param {string} label
 */
export function numberGrid(values, height, width, label, { mark = -1, ...coloring } = {}) {
  const canvas = element("canvas", { role: "img", "aria-label": `${label}: ${Array.from(values, short).join(", ")}` });
  const cell = Math.min(40, Math.max(26, Math.floor(300 / width)));
  const layout = { channels: 1, height, width, columns: 1, cell, gap: 0 };
  drawMaps(canvas, values, layout, { numbers: short, ...coloring });
  if (mark >= 0) {
    const context = canvas.getContext("2d");
    context.lineWidth = 3;
    context.strokeStyle = "#f59e0b";
    context.strokeRect((mark % width) * cell + 1.5, Math.floor(mark / width) * cell + 1.5, cell - 3, cell - 3);
  }
  return element("figure", {}, element("div", { class: "scroll" }, canvas), element("figcaption", {}, label));
}

/**
 * Of a convolution: the window of one input channel, times its kernel, and the products.
 *
 * @param {object} app @param {number} k @param {number} index @param {import("cnnfast/terms.js").Sum} sum
 */
export function windowGrids(app, k, index, sum) {
  const { network } = app;
  const from = network.stepOf(k).inputs[0];
  const shape = network.shape(from);
  const channels = new Map();
  for (const term of sum.terms) {
    const [channel] = unravel(term.index, shape);
    if (!channels.has(channel)) channels.set(channel, []);
    channels.get(channel).push(term);
  }
  const totals = [...channels].map(([channel, terms]) => [channel, terms.reduce((total, t) => total + t.product, 0)]);
  totals.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const place = element("div", { class: "row top" });
  const show = (channel) => place.replaceChildren(...oneChannel(network, k, from, channels.get(channel), channel));
  if (!totals.length) return element("p", {}, "No input is in this window: it is all padding.");
  show(totals[0][0]);
  const choice = element(
    "select",
    { onchange: (event) => show(Number(event.target.value)) },
    totals.map(([channel, total]) => element("option", { value: channel }, `channel ${channel}: ${medium(total)}`)),
  );
  const chooser = totals.length > 1 && element("label", { class: "row small" }, "Part of the sum from input", choice);
  return element("div", {}, chooser, place);
}

function oneChannel(network, k, from, terms, channel) {
  const { weight } = network.bound(k);
  const kernel = weight.shape.slice(2);
  const size = kernel.reduce((a, b) => a * b, 1);
  const [height, width] = kernel.length === 1 ? [1, kernel[0]] : kernel;
  const first = Math.floor(terms[0].parameter / size) * size;
  const [inputs, products] = [new Float64Array(size), new Float64Array(size)];
  for (const term of terms) {
    inputs[term.parameter - first] = term.value;
    products[term.parameter - first] = term.product;
  }
  const weights = weight.values.subarray(first, first + size);
  const sign = (text) => element("span", { class: "sign", "aria-hidden": "true" }, text);
  return [
    numberGrid(inputs, height, width, `window of ${network.titles[from]}, channel ${channel}`, { max: largest(network.values(from)) }),
    sign("×"),
    numberGrid(weights, height, width, "kernel", { max: largest(weight.values) }),
    sign("="),
    numberGrid(products, height, width, `products, sum ${medium(products.reduce((a, b) => a + b, 0))}`),
  ];
}
