/** The sections before and after the layers: input, output, and loss with gradients. */
import { element, link, table } from "cnnfast/dom.js";
import { BACKWARD, COLORS, INPUT, INPUT_OF_NUMBERS, OUTPUT, OUTPUT_OF_LABELS, OUTPUT_WITHOUT_CLASSES } from "cnnfast/explanations.js";
import { drawImage } from "cnnfast/maps.js";
import { MapsView } from "cnnfast/maps_view.js";
import { medium, percent, short } from "cnnfast/numbers.js";
import { mapNumbers, shapeText } from "cnnfast/step_section.js";

/** (c, h, w) of the image as it was given; null if the input is a sequence or a vector. */
export function imageShape(network) {
  const { shape } = network.data.image;
  if (network.shape(0).length !== 3) return null;
  return shape.length === 2 ? [1, ...shape] : shape;
}

/** What is drawn as white. @param {ArrayLike<number>} pixels bytes, or floats from 0 to 1 */
export function brightest(pixels) {
  return pixels.some((pixel) => pixel > 1) ? 255 : 1;
}

export function inputSection(app) {
  const { network } = app;
  const shape = imageShape(network);
  const section = element("section", { id: "input", "aria-labelledby": "title-0" });
  section.append(
    element("h2", { id: "title-0" }, "Input"),
    element("p", { class: "number small" }, shapeText(network.shape(0))),
    element("p", {}, shape ? INPUT : INPUT_OF_NUMBERS),
  );
  const pixels = network.array(network.data.image.array).values;
  if (shape) section.append(element("h3", {}, "The pixels"), pixelView(app, pixels, shape).node);
  const numbers = mapNumbers(app, 0);
  const view = new MapsView({ ...app.source(0), choose: numbers.map, size: shape ? { cell: 10 } : undefined });
  app.add(0, view);
  section.append(element("h3", {}, "After normalization"), element("p", { class: "small quiet" }, COLORS), view.node);
  if (numbers.node) section.append(numbers.node);
  return section;
}

function pixelView(app, pixels, shape) {
  const max = brightest(pixels);
  const view = new MapsView({
    values: () => pixels,
    shape,
    label: "Pixels of the image",
    describe: (flat) => `pixel ${app.network.label(0, flat).replace(/^[^[]*/, "")} = ${medium(pixels[flat])}`,
    inspect: (flat) => app.inspect({ k: 0, index: flat }),
    marks: () => app.marks(0),
    coloring: { scale: "gray", min: 0, max, numbers: short },
    size: { cell: shape[0] === 1 ? 28 : 8, gap: 6, least: 4 },
  });
  app.add(0, view);
  if (shape[0] !== 3) return view;
  const photo = element("canvas", { class: "pixelated photo", role: "img", "aria-label": "The image in color" });
  drawImage(photo, pixels, shape, max);
  return { node: element("div", {}, photo, view.node) };
}

export function outputSection(app) {
  const { network } = app;
  const { probabilities, prediction } = network.data.output;
  const section = element("section", { id: "output", "aria-labelledby": "title-output" });
  section.append(element("h2", { id: "title-output" }, "Answer"));
  if (!probabilities) {
    section.append(element("p", {}, OUTPUT_WITHOUT_CLASSES));
    return section;
  }
  const fractions = network.array(probabilities).values;
  const last = network.steps.length;
  const exclusive = Math.abs(fractions.reduce((sum, p) => sum + p, 0) - 1) < 1e-6;
  const softmax = exclusive && fractions.length > 1 && !isProbability(network.stepOf(last));
  section.append(element("p", {}, exclusive ? OUTPUT : OUTPUT_OF_LABELS));
  const logits = network.values(last);
  const order = Array.from(fractions, (_, i) => i).sort((a, b) => fractions[b] - fractions[a]);
  const most = Math.max(...logits);
  const sum = logits.reduce((total, x) => total + Math.exp(x - most), 0);
  const rows = order.slice(0, 30).map((i) => [
    network.className(i),
    link(medium(logits[i]), () => app.inspect({ k: last, index: i })),
    ...(softmax ? [medium(Math.exp(logits[i] - most))] : []),
    percent(fractions[i]),
    element("span", { class: "bar", style: `width: ${Math.round(120 * fractions[i])}px`, "aria-hidden": "true" }),
  ]);
  const headings = ["class", isProbability(network.stepOf(last)) ? "output" : "logit", ...(softmax ? [`exp(logit − ${short(most)})`] : []), "probability", ""];
  section.append(element("div", { class: "scroll" }, table(headings, rows, { right: softmax ? [1, 2, 3] : [1, 2] })));
  if (softmax) {
    const best = order[0];
    section.append(
      element("p", { class: "equation number" },
        `P(${network.className(best)}) = exp(${medium(logits[best] - most)}) / ${medium(sum)} = ${medium(fractions[best])}`),
      element("p", { class: "small quiet" },
        `${medium(sum)} is the sum of the exponentials. The largest logit is subtracted first; the fractions stay the same.`),
    );
  }
  if (prediction !== null) section.append(element("p", {}, `Prediction: ${network.className(prediction)}, number ${prediction} (argmax).`));
  return section;
}

function isProbability(step) {
  return step.rule?.kind === "softmax" || step.op === "Sigmoid";
}

export function backwardSection(app) {
  const { network } = app;
  const { loss, target, target_name: name, value, optimizer } = network.data.backward;
  const { probabilities } = network.data.output;
  const section = element("section", { id: "loss", "aria-labelledby": "title-loss" });
  const named = name ?? (Number.isInteger(target) ? network.className(target) : null);
  section.append(
    element("h2", { id: "title-loss" }, "Loss and gradients"),
    element("p", {}, BACKWARD),
    element("p", { class: "number" }, `loss (${loss})${named === null ? "" : `, target ${named}`} = ${medium(value)}`),
  );
  if (loss === "cross_entropy" && Number.isInteger(target) && probabilities) {
    const p = network.array(probabilities).values[target];
    section.append(element("p", { class: "equation number" }, `loss = −ln(P(${named})) = −ln(${medium(p)}) = ${medium(-Math.log(p))}`));
  }
  section.append(
    element("h3", {}, "One step of the optimizer"),
    element("p", {}, `${optimizer.text}: every number of a parameter changes by −${short(optimizer.lr)} times its gradient. The loss of this image goes from ${medium(optimizer.before)} to ${medium(optimizer.after)}.`),
    element("p", {}, "Click a weight of a kernel, or a factor in the table of terms, to see its gradient as a sum over all positions."),
    element("h3", {}, "Largest gradient of each layer"),
    gradientTable(app),
  );
  return section;
}

function gradientTable(app) {
  const { network } = app;
  const rows = [];
  network.titles.forEach((name, k) => {
    const gradients = network.gradients(k);
    if (!gradients) return;
    let best = 0;
    gradients.forEach((g, i) => { if (Math.abs(g) > Math.abs(gradients[best])) best = i; });
    rows.push([name, link(network.label(k, best), () => app.inspect({ k, index: best, gradient: true })), medium(gradients[best])]);
  });
  return element("div", { class: "scroll" }, table(["layer", "value", "d loss / d value"], rows.reverse(), { right: [2] }));
}
