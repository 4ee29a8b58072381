/** How one value is computed, as its kind of layer is usually drawn. */
import { equation, numberGrid, windowGrids } from "cnnfast/arithmetic.js";
import { curve } from "cnnfast/charts.js";
import { unravel } from "cnnfast/data.js";
import { element, link, table } from "cnnfast/dom.js";
import { largest } from "cnnfast/maps.js";
import { medium } from "cnnfast/numbers.js";

/**
 * @param {object} app see page.js @param {number} k @param {number} index
 * @param {import("cnnfast/terms.js").Sum} sum
 * @returns {Node[]}
 */
export function calculation(app, k, index, sum) {
  const name = app.network.label(k, index);
  const kind = app.network.stepOf(k).rule.kind;
  if (kind === "window_sum") return [windowGrids(app, k, index, sum), sumText(app, k, index, sum)];
  if (kind === "window_max") return [poolGrid(app, k, index, sum), largestText(app, name, sum)];
  if (kind === "window_mean") return [poolGrid(app, k, index, sum), equation(name, sum)];
  if (kind === "function") return [curveOf(app, k, sum), applied(app, k, name, sum)];
  if (kind === "softmax") return [exponentials(app, k, index, sum), equation(name, sum)];
  if (kind === "copy") return [copied(app, name, sum)];
  return [sumText(app, k, index, sum)];
}

/** The equation. Of a fully connected layer that only a function reads it includes this: h = ReLU(…). */
function sumText(app, k, index, sum) {
  const { network } = app;
  const behind = network.readers[k];
  const next = behind.length === 1 ? behind[0][0] + 1 : null;
  const plain = equation(network.label(k, index), sum);
  if (next === null || network.stepOf(next).rule?.kind !== "function" || !network.values(next)) return plain;
  const { op } = network.stepOf(next);
  const result = network.values(next)[index];
  const name = network.label(next, index);
  if (network.stepOf(k).rule.kind === "linear") return element("div", {}, plain, equation(name, sum, { wrap: op, result }));
  const go = link(name, () => app.inspect({ k: next, index }));
  return element("div", {}, plain, element("p", { class: "small" }, "then ", go, ` = ${op}(${medium(sum.result)}) = ${medium(result)}`));
}

function poolGrid({ network }, k, index, sum) {
  const shape = network.shape(sum.terms[0].k);
  const positions = sum.terms.map((term) => unravel(term.index, shape));
  const columns = new Set(positions.map((position) => position[position.length - 1])).size;
  const values = sum.terms.map((term) => term.value);
  const grid = numberGrid(values, values.length / columns, columns, "the window", {
    max: largest(network.values(sum.terms[0].k)),
    mark: network.stepOf(k).rule.kind === "window_max" ? sum.terms.findIndex((term) => term.factor === 1) : -1,
  });
  return element("div", { class: "row top" }, grid);
}

function largestText(app, name, sum) {
  const winner = sum.terms.find((term) => term.factor === 1);
  const values = sum.terms.map((term) => medium(term.value)).join(", ");
  const text = `${name} = max(${values}) = ${medium(winner.value)}, from `;
  const go = () => app.inspect({ k: winner.k, index: winner.index });
  return element("p", { class: "equation number" }, text, link(app.network.label(winner.k, winner.index), go));
}

function curveOf({ network }, k, sum) {
  const { curve: points, formula } = network.stepOf(k).rule;
  const [x, y] = [network.array(points.x).values, network.array(points.y).values];
  const at = sum.terms[0].value;
  const outside = at < x[0] ? " The value is left of the drawing." : at > x[x.length - 1] ? " The value is right of the drawing." : "";
  const caption = element("figcaption", {}, `f(x) = ${formula}.${outside}`);
  return element("figure", {}, curve(x, y, { x: at, y: sum.result }), caption);
}

function applied(app, k, name, sum) {
  const [{ k: from, index, value }] = sum.terms;
  const input = link(app.network.label(from, index), () => app.inspect({ k: from, index }));
  const { op } = app.network.stepOf(k);
  return element("p", { class: "equation number" }, `${name} = ${op}(`, input, `) = ${op}(${medium(value)}) = ${medium(sum.result)}`);
}

/** exp of each input, and what each is of their sum. */
export function exponentials(app, k, index, sum) {
  const { network } = app;
  const many = network.shape(k).length === 1;
  const ordered = sum.terms.map((term, i) => [term, i]).sort((a, b) => b[0].product - a[0].product).slice(0, 10);
  const rows = ordered.map(([term, i]) => [
    many ? network.className(i) : String(i),
    medium(term.value),
    medium(term.product),
    medium(term.product / sum.sum),
  ]);
  return table([many ? "class" : "channel", "input x", sum.label, "/ sum"], rows, { right: [1, 2, 3] });
}

function copied(app, name, sum) {
  if (!sum.terms.length) return element("p", { class: "equation number" }, `${name} = ${medium(sum.result)}, a constant (padding)`);
  const [{ k, index }] = sum.terms;
  const go = link(app.network.label(k, index), () => app.inspect({ k, index }));
  return element("p", { class: "equation number" }, `${name} = `, go, ` = ${medium(sum.result)}: a copy`);
}
