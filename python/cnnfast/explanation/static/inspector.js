/** The panel beside the page: everything about one value, its gradient, or one weight. */
import { unravel } from "cnnfast/data.js";
import { equation, termTable } from "cnnfast/arithmetic.js";
import { calculation } from "cnnfast/calculation.js";
import { element, link, table } from "cnnfast/dom.js";
import { brightest, imageShape } from "cnnfast/end_sections.js";
import { drawImage, drawMaps, largest, layOut, sized } from "cnnfast/maps.js";
import { medium } from "cnnfast/numbers.js";
import { heading, parameterPanel, shownValue } from "cnnfast/parameter_panel.js";
import { byContribution, explained, gradientTerms, influence, valueTerms } from "cnnfast/terms.js";

/** What the panel shows for a target. @param {object} app see page.js @returns {Node[]} */
export function inspected(app, target) {
  if (target.parameter) return parameterPanel(app, target);
  return target.gradient ? gradientPanel(app, target) : valuePanel(app, target);
}

function valuePanel(app, { k, index }) {
  const { network } = app;
  const step = network.stepOf(k);
  const value = network.values(k)[index];
  const parts = [heading(network.label(k, index)), shownValue("value", value), tabs(app, k, index, false)];
  if (k === 0) parts.push(...pixelText(network, index));
  else if (explained(step) && network.stepOf(k).inputs.every((input) => network.values(input))) {
    const sum = valueTerms(network, k, index);
    parts.push(followLargest(app, sum, false), ...calculation(app, k, index, sum));
    parts.push(element("h3", {}, "Every term, the largest first"), termTable(app, sum, { step: k }), bias(app, k, index, sum));
  } else parts.push(element("p", {}, step.rule?.text ?? "The numbers of this layer are not in this page."));
  return [...parts, ...seen(app, k, index), ...goesTo(app, k, index)];
}

function gradientPanel(app, { k, index }) {
  const { network } = app;
  const gradient = network.gradients(k)[index];
  const label = `d loss / d ${network.label(k, index)}`;
  const parts = [heading(label), shownValue("gradient", gradient), tabs(app, k, index, true)];
  parts.push(element("p", {}, `If this value grows by a small amount, the loss changes by ${medium(gradient)} times that amount.`));
  const sum = gradientTerms(network, k, index);
  if (sum) {
    const title = "The sum over everything that reads this value";
    parts.push(followLargest(app, sum, true), element("h3", {}, title));
    parts.push(equation("gradient", sum), termTable(app, sum, { gradient: true }));
  } else if (k === network.data.backward.at) parts.push(element("p", {}, "The loss is computed from this value directly."));
  return parts;
}

/** A link to the bias of a value. */
function bias(app, k, index, sum) {
  const reference = app.network.stepOf(k).parameters.bias;
  if (sum.bias === null || !reference) return null;
  const shape = app.network.shape(k);
  const all = app.network.array(reference).values.length;
  const at = all === shape[0] ? unravel(index, shape)[0] : index;
  return element("p", {}, "and the bias ", link(medium(sum.bias), () => app.inspect({ k, parameter: "bias", index: at })));
}

function tabs(app, k, index, gradient) {
  if (!app.network.gradients(k)) return null;
  const button = (text, on) =>
    element("button", { type: "button", "aria-pressed": String(on === gradient), onclick: () => app.inspect({ k, index, gradient: on }) }, text);
  return element("div", { class: "row" }, button("Value", false), button("Gradient", true));
}

function followLargest(app, sum, gradient) {
  const [first] = byContribution(sum.terms);
  if (!first) return null;
  const go = () => app.inspect({ k: first.k, index: first.index, gradient });
  return element("button", { type: "button", onclick: go }, `Follow the largest term: ${app.network.label(first.k, first.index)}`);
}

/** The normalization of an input value, where the page knows it: bytes are divided by 255 first. */
function pixelText(network, index) {
  const { image, model } = network.data;
  const pixels = network.array(image.array).values;
  const { mean, std } = model.preprocessing ?? {};
  const [channel] = unravel(index, network.shape(0));
  const of = (setting) => (Array.isArray(setting) ? (setting[channel] ?? setting[0]) : setting);
  const value = network.values(0)[index];
  const normalized = Math.abs((pixels[index] / 255 - of(mean)) / of(std) - value) < 1e-5;
  if (!normalized) return [element("p", {}, `A value of the input; in the image it is ${medium(pixels[index])}.`)];
  const text = `(${medium(pixels[index])}/255 − ${medium(of(mean))}) / ${medium(of(std))} = ${medium(value)}`;
  return [element("p", {}, "The pixel after normalization, (pixel − mean) / standard deviation:"), element("p", { class: "equation number" }, text)];
}

/** The receptive field, drawn on the input. */
function seen(app, k, index) {
  const { network } = app;
  const shape = imageShape(network);
  if (k === 0 || !shape) return [];
  const field = network.receptiveField(k, index);
  const title = element("h3", {}, "What it has seen of the input");
  const text = field
    ? `rows ${field[0][0]} to ${field[0][1] - 1}, columns ${field[1][0]} to ${field[1][1] - 1}: its receptive field`
    : "the whole image";
  return [title, fieldOnImage(network.array(network.data.image.array).values, shape, field, text), element("p", { class: "small quiet" }, text)];
}

function fieldOnImage(values, shape, field, text) {
  const cell = Math.max(1, Math.floor(196 / Math.max(shape[1], shape[2])));
  const [width, height] = [shape[2] * cell, shape[1] * cell];
  const small = element("canvas");
  drawImage(small, values, shape, brightest(values));
  const canvas = element("canvas", { role: "img", "aria-label": `Input image with a rectangle: ${text}` });
  const context = sized(canvas, width, height);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, width, height);
  if (field) {
    context.strokeStyle = "#f59e0b";
    context.lineWidth = 2;
    const [[top, bottom], [left, right]] = field;
    context.strokeRect(left * cell + 1, top * cell + 1, (right - left) * cell - 2, (bottom - top) * cell - 2);
  }
  return canvas;
}

/** The values that read this one, with their factors. */
function goesTo(app, k, index) {
  const { network } = app;
  const read = influence(network, k, index);
  if (!read.length) return [];
  const most = [...read].sort((a, b) => Math.abs(b.factor) - Math.abs(a.factor)).slice(0, 8);
  const rows = most.map((entry) => [
    link(network.label(entry.k, entry.index), () => app.inspect({ k: entry.k, index: entry.index })),
    Number.isNaN(entry.factor) ? "slope of the curve" : medium(entry.factor),
  ]);
  const title = `Where it goes: ${read.length} ${read.length === 1 ? "value reads" : "values read"} it`;
  const text = element("p", { class: "small quiet" }, "If this value grows by 1, each of them changes by about the factor.");
  return [element("h3", {}, title), text, influenceMap(app, read), table(["value", "with factor"], rows, { right: [1] })];
}

/** The factors at the places of a map behind, which is chosen: of a convolution, its kernel turned around. */
function influenceMap({ network }, read) {
  const [{ k }] = read;
  const shape = network.shape(k);
  if (shape.length !== 3 || read.length < 2) return null;
  const plane = shape[1] * shape[2];
  const channels = [...new Set(read.filter((entry) => entry.k === k).map((entry) => Math.floor(entry.index / plane)))];
  const max = largest(read.map((entry) => entry.factor));
  const place = element("div");
  const show = (channel) => {
    const values = new Float64Array(plane);
    for (const entry of read) {
      if (entry.k === k && Math.floor(entry.index / plane) === channel) values[entry.index % plane] += entry.factor;
    }
    const canvas = element("canvas", { role: "img", "aria-label": `Factors on map ${channel} of ${network.titles[k]}` });
    drawMaps(canvas, values, layOut([1, ...shape.slice(1)], 196), { max });
    place.replaceChildren(canvas);
  };
  show(channels[0]);
  const options = channels.map((channel) => element("option", { value: channel }, String(channel)));
  const choice = element("select", { onchange: (event) => show(Number(event.target.value)) }, options);
  const label = element("label", { class: "row small" }, `The factors on ${network.titles[k]}, map`, choice);
  return element("div", {}, label, place);
}
