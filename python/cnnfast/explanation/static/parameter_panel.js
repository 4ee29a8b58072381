/** The panel of one number of a parameter: its gradient, and what a step of the optimizer changes. */
import { equation, numberGrid, termTable } from "cnnfast/arithmetic.js";
import { unravel } from "cnnfast/data.js";
import { element } from "cnnfast/dom.js";
import { largest } from "cnnfast/maps.js";
import { exact, medium } from "cnnfast/numbers.js";
import { parameterTerms } from "cnnfast/terms.js";

/** @param {object} app see page.js @param {import("cnnfast/address.js").Target} target @returns {Node[]} */
export function parameterPanel(app, { k, index, parameter }) {
  const { network } = app;
  const { values, shape } = network.array(network.stepOf(k).parameters[parameter]);
  const label = `${network.titles[k]}.${parameter}[${unravel(index, shape).join(", ")}]`;
  const parts = [heading(label), shownValue("value", values[index])];
  const learned = ["weight", "bias"].includes(parameter) && network.data.backward;
  const sum = learned ? parameterTerms(network, k, parameter, index) : null;
  if (!sum) return parts;
  const { lr, text } = network.data.backward.optimizer;
  const after = values[index] - lr * sum.result;
  return [
    ...parts,
    element("h3", {}, "Its gradient: the sum over all positions where it is used"),
    equation(`d loss / d ${parameter}`, sum),
    termTable(app, sum, { gradient: true }),
    element("h3", {}, "One step of the optimizer"),
    element("p", { class: "small quiet" }, `${text} subtracts the gradient times the learning rate.`),
    element("p", { class: "equation number" }, `${medium(values[index])} − ${medium(lr)}·${medium(sum.result)} = ${medium(after)}`),
    parameter === "weight" && network.stepOf(k).rule.kind === "window_sum" ? kernelStep(network, k, index, lr) : null,
  ];
}

/** The whole kernel of a weight: before, its gradient, and after a step. */
function kernelStep(network, k, index, lr) {
  const { weight } = network.bound(k);
  const kernel = weight.shape.slice(2);
  const [height, width] = kernel.length === 1 ? [1, kernel[0]] : kernel;
  const first = Math.floor(index / (height * width)) * height * width;
  const before = weight.values.subarray(first, first + height * width);
  const gradient = Array.from(before, (_, i) => parameterTerms(network, k, "weight", first + i).result);
  const coloring = { max: largest(before), mark: index - first };
  return element(
    "div", { class: "row top" },
    numberGrid(before, height, width, "the kernel", coloring),
    numberGrid(gradient, height, width, "its gradient", { mark: index - first }),
    numberGrid(gradient.map((g, i) => before[i] - lr * g), height, width, "after the step", coloring),
  );
}

/** The title of the panel. @param {string} text */
export function heading(text) {
  return element("h2", { tabindex: "-1" }, text);
}

/** @param {string} what @param {number} value */
export function shownValue(what, value) {
  return element("p", { class: "number large", title: exact(value) }, `${what}: ${medium(value)}`);
}
