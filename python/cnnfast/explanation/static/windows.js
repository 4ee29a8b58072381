/**
 * Rules that slide a window: convolutions and pools, of images and sequences.
 *
 * Every rule has `parts` (the sum of one output), `readers` (the outputs that depend on an input, and the factors
 * d output / d input) and `parameterReaders` (likewise for one number of a parameter); see terms.js.
 */
import { count, ravel, unravel } from "cnnfast/data.js";

/** A convolution or a transposed convolution. */
const windowSum = {
  parts(step, index) {
    const [channel, position] = split(step.outputShape, index);
    const { inside, outside } = groupSizes(step);
    const first = Math.floor(channel / outside) * inside;
    const places = windowOf(step, position);
    const sources = [];
    const parameters = [];
    for (let c = first; c < first + inside; c++) {
      for (const { tap, at } of places) {
        sources.push(c * plane(step.inputShapes[0]) + at);
        parameters.push(weightAt(step, c, channel) + tap);
      }
    }
    const factors = parameters.map((p) => step.weight.values[p]);
    return { sources, factors, parameters, bias: step.bias ? step.bias.values[channel] : null };
  },
  readers(step, slot, index) {
    const [channel, position] = split(step.inputShapes[0], index);
    const { inside, outside } = groupSizes(step);
    const first = Math.floor(channel / inside) * outside;
    const places = windowsWith(step, position);
    const found = { outputs: [], factors: [], parameters: [] };
    for (let c = first; c < first + outside; c++) {
      for (const { tap, at } of places) {
        const parameter = weightAt(step, channel, c) + tap;
        found.outputs.push(c * plane(step.outputShape) + at);
        found.parameters.push(parameter);
        found.factors.push(step.weight.values[parameter]);
      }
    }
    return found;
  },
  parameterReaders(step, name, index) {
    if (name === "bias") return ofChannel(step.outputShape, index);
    const [first, second, ...tap] = unravel(index, step.weight.shape);
    const { inside, outside } = groupSizes(step);
    const [cIn, cOut] = step.rule.transposed
      ? [first, Math.floor(first / inside) * outside + second]
      : [Math.floor(first / outside) * inside + second, first];
    const wanted = ravel(tap, step.weight.shape.slice(2));
    const found = { outputs: [], factors: [], sources: [] };
    for (let at = 0; at < plane(step.outputShape); at++) {
      const place = windowOf(step, unravel(at, step.outputShape.slice(1))).find((p) => p.tap === wanted);
      if (!place) continue;
      const source = cIn * plane(step.inputShapes[0]) + place.at;
      found.outputs.push(cOut * plane(step.outputShape) + at);
      found.sources.push(source);
      found.factors.push(step.inputs[0][source]);
    }
    return found;
  },
};

/** The largest value of a window, the first of equal ones. */
const windowMax = {
  parts(step, index) {
    const sources = insideWindow(step, index);
    const winner = largestOf(step, sources);
    return { sources, factors: sources.map((source) => (source === winner ? 1 : 0)), label: "largest" };
  },
  readers(step, slot, index) {
    const outputs = windowsContaining(step, index);
    const wins = (output) => largestOf(step, insideWindow(step, output)) === index;
    return { outputs, factors: outputs.map((output) => (wins(output) ? 1 : 0)) };
  },
};

/** The mean of a window. */
const windowMean = {
  parts(step, index) {
    const sources = insideWindow(step, index);
    return { sources, factors: sources.map(() => 1 / divisor(step, index)) };
  },
  readers(step, slot, index) {
    const outputs = windowsContaining(step, index);
    return { outputs, factors: outputs.map((output) => 1 / divisor(step, output)) };
  },
};

export const WINDOW_RULES = { window_sum: windowSum, window_max: windowMax, window_mean: windowMean };

/** Number of positions of a value. @param {number[]} shape */
export function plane(shape) {
  return count(shape.slice(1));
}

/** All outputs of a channel, with factor 1. */
export function ofChannel(shape, channel) {
  const outputs = Array.from({ length: plane(shape) }, (_, i) => channel * plane(shape) + i);
  return { outputs, factors: outputs.map(() => 1) };
}

/** Channel and position of a flat index. */
function split(shape, index) {
  const [channel, ...position] = unravel(index, shape);
  return [channel, position];
}

/** Channels of a group: of the input, of the output. */
function groupSizes({ rule, inputShapes, outputShape }) {
  return { inside: inputShapes[0][0] / rule.groups, outside: outputShape[0] / rule.groups };
}

/** Position of the first tap from an input channel to an output channel in the flat weight. */
function weightAt({ rule, weight }, cIn, cOut) {
  const [first, second] = rule.transposed ? [cIn, cOut] : [cOut, cIn];
  const size = weight.shape[1];
  return (first * size + (second % size)) * count(weight.shape.slice(2));
}

function insideWindow(step, index) {
  const [channel, position] = split(step.outputShape, index);
  return windowOf(step, position).map(({ at }) => channel * plane(step.inputShapes[0]) + at);
}

function windowsContaining(step, index) {
  const [channel, position] = split(step.inputShapes[0], index);
  return windowsWith(step, position).map(({ at }) => channel * plane(step.outputShape) + at);
}

function largestOf({ inputs }, sources) {
  return sources.reduce((best, source) => (inputs[0][source] > inputs[0][best] ? source : best), sources[0]);
}

function divisor({ rule, outputShape }, index) {
  if (rule.divisor !== null) return rule.divisor;
  return split(outputShape, index)[1].reduce((product, i, axis) => product * rule.counts[axis][i], 1);
}

/**
 * The places that an output reads: flat position in the kernel (`tap`) and in the input's plane (`at`).
 *
 * Along one axis, output o reads the inputs o·stride − before + tap·dilation. A transposed convolution is the same
 * relation with inputs and outputs exchanged.
 */
export function windowOf({ rule, inputShapes }, position) {
  const extents = inputShapes[0].slice(1);
  const along = rule.transposed ? scattered : gathered;
  return product(rule, position.map((o, axis) => along(rule, axis, o, extents[axis])), extents);
}

/** The places of the outputs that read an input. */
export function windowsWith({ rule, outputShape }, position) {
  const extents = outputShape.slice(1);
  const along = rule.transposed ? gathered : scattered;
  return product(rule, position.map((i, axis) => along(rule, axis, i, extents[axis])), extents);
}

function gathered(rule, axis, o, extent) {
  if (rule.bins) {
    const [begin, end] = rule.bins[axis][o];
    return Array.from({ length: end - begin }, (_, i) => [0, begin + i]);
  }
  const origin = o * rule.stride[axis] - rule.padding[axis][0];
  const all = Array.from({ length: rule.kernel[axis] }, (_, tap) => [tap, origin + tap * rule.dilation[axis]]);
  return all.filter(([, at]) => at >= 0 && at < extent);
}

function scattered(rule, axis, i, extent) {
  if (rule.bins) {
    return rule.bins[axis].flatMap(([begin, end], o) => (begin <= i && i < end ? [[0, o]] : []));
  }
  const origin = i + rule.padding[axis][0];
  const all = Array.from({ length: rule.kernel[axis] }, (_, tap) => [
    tap,
    (origin - tap * rule.dilation[axis]) / rule.stride[axis],
  ]);
  return all.filter(([, at]) => Number.isInteger(at) && at >= 0 && at < extent);
}

/** All combinations of the places along each axis, row by row. */
function product(rule, axes, extents) {
  let places = [{ tap: 0, at: 0 }];
  axes.forEach((axis, i) => {
    const size = rule.kernel?.[i] ?? 1;
    places = places.flatMap((place) =>
      axis.map(([tap, at]) => ({ tap: place.tap * size + tap, at: place.at * extents[i] + at })),
    );
  });
  return places;
}
