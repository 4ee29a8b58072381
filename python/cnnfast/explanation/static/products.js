/** Rules of fully connected layers, joins and copies; see terms.js for what a rule has. */
import { count } from "cnnfast/data.js";

/** y[o] = bias[o] + sum of weight[o, i] · x[i]. */
const linear = {
  parts({ weight, bias }, index) {
    const size = weight.shape[1];
    const parameters = range(size, index * size);
    return {
      sources: range(size),
      factors: parameters.map((p) => weight.values[p]),
      parameters,
      bias: bias ? bias.values[index] : null,
    };
  },
  readers({ weight }, slot, index) {
    const [outputs, size] = weight.shape;
    const parameters = range(outputs).map((o) => o * size + index);
    return { outputs: range(outputs), factors: parameters.map((p) => weight.values[p]), parameters };
  },
  parameterReaders({ weight, inputs }, name, index) {
    if (name === "bias") return { outputs: [index], factors: [1] };
    const [output, source] = [Math.floor(index / weight.shape[1]), index % weight.shape[1]];
    return { outputs: [output], factors: [inputs[0][source]], sources: [source] };
  },
};

/** y[o] = scale · sum of (x[i] − weight[o, i])². */
const rbf = {
  parts({ weight, inputs, rule }, index) {
    const size = weight.shape[1];
    const apart = range(size).map((i) => inputs[0][i] - weight.values[index * size + i]);
    return {
      sources: range(size),
      values: apart,
      factors: apart.map(() => rule.scale),
      products: apart.map((d) => rule.scale * d * d),
      parameters: range(size, index * size),
      label: "(x − center)²",
    };
  },
  readers({ weight, inputs, rule }, slot, index) {
    const [outputs, size] = weight.shape;
    const factor = (o) => 2 * rule.scale * (inputs[0][index] - weight.values[o * size + index]);
    return { outputs: range(outputs), factors: range(outputs).map(factor) };
  },
  parameterReaders({ weight, inputs, rule }, name, index) {
    const [output, source] = [Math.floor(index / weight.shape[1]), index % weight.shape[1]];
    const slope = -2 * rule.scale * (inputs[0][source] - weight.values[index]);
    return { outputs: [output], factors: [slope], sources: [source] };
  },
};

/** (i, k) times (k, j). */
const matmul = {
  parts({ inputShapes, inputs }, index) {
    const [[, k], [, j]] = inputShapes;
    const [row, column] = [Math.floor(index / j), index % j];
    return {
      sources: range(k).map((i) => i * j + column),
      factors: range(k).map((i) => inputs[0][row * k + i]),
      slots: range(k).map(() => 1),
    };
  },
  readers({ inputShapes, inputs }, slot, index) {
    const [[i, k], [, j]] = inputShapes;
    if (slot === 0) {
      const [row, inner] = [Math.floor(index / k), index % k];
      return { outputs: range(j, row * j), factors: range(j).map((c) => inputs[1][inner * j + c]) };
    }
    const [inner, column] = [Math.floor(index / j), index % j];
    return {
      outputs: range(i).map((row) => row * j + column),
      factors: range(i).map((row) => inputs[0][row * k + inner]),
    };
  },
};

const add = {
  parts: ({ inputs }, index) => ({
    sources: inputs.map(() => index),
    factors: inputs.map(() => 1),
    slots: inputs.map((_, slot) => slot),
  }),
  readers: (step, slot, index) => ({ outputs: [index], factors: [1] }),
};

/** The first input is the factor of the second. */
const mul = {
  parts: ({ inputs }, index) => ({ sources: [index], factors: [inputs[0][index]], slots: [1] }),
  readers: ({ inputs }, slot, index) => ({ outputs: [index], factors: [inputs[1 - slot][index]] }),
};

/** The flat inputs one after the other. */
const concat = {
  parts({ inputShapes }, index) {
    let slot = 0;
    while (index >= count(inputShapes[slot])) index -= count(inputShapes[slot++]);
    return { sources: [index], factors: [1], slots: [slot] };
  },
  readers({ inputShapes }, slot, index) {
    const before = inputShapes.slice(0, slot).reduce((sum, shape) => sum + count(shape), 0);
    return { outputs: [before + index], factors: [1] };
  },
};

/** Output i is input index[i], −1 is the constant `fill`; without an index the order is the same. */
const copy = {
  parts({ index: order, rule }, index) {
    const source = order ? order.values[index] : index;
    return source < 0 ? { sources: [], factors: [], bias: rule.fill } : { sources: [source], factors: [1] };
  },
  readers({ index: order }, slot, index) {
    const outputs = [];
    if (order) order.values.forEach((source, o) => source === index && outputs.push(o));
    else outputs.push(index);
    return { outputs, factors: outputs.map(() => 1) };
  },
};

export const PRODUCT_RULES = { linear, rbf, matmul, add, mul, concat, copy };

function range(length, first = 0) {
  return Array.from({ length }, (_, i) => first + i);
}
