/** Rules of functions, normalizations and softmax; see terms.js for what a rule has. */
import { ofChannel, plane } from "cnnfast/windows.js";
import { medium } from "cnnfast/numbers.js";

/** y = f(x). The page has no formulas to compute with: the value is that of the engine. */
const activation = {
  parts: (step, index) => ({
    sources: [index],
    factors: [1],
    finish: () => step.output[index],
    formula: step.weight ? `x > 0: x, else ${medium(slopeBelow(step, index))}·x` : step.rule.formula,
  }),
  readers: (step, slot, index) => ({ outputs: [index], factors: [step.slopes ? step.slopes[index] : NaN] }),
  parameterReaders(step, name, index) {
    const all = step.weight.values.length === 1;
    const outputs = all ? Array.from(step.output, (_, i) => i) : ofChannel(step.outputShape, index).outputs;
    return { outputs, factors: outputs.map((o) => Math.min(step.inputs[0][o], 0)) };
  },
};

/** y = (x − mean) / sqrt(variance + eps) · weight + bias; without a mean y = x + bias. */
const affine = {
  parts(step, index) {
    const of = own(step, index);
    const bias = step.bias ? step.bias.values[of] : null;
    if (!step.mean) return { sources: [index], factors: [1], bias };
    const mean = step.mean.values[of];
    return {
      sources: [index],
      values: [step.inputs[0][index] - mean],
      factors: [affineFactor(step, of)],
      bias,
      label: `x − mean ${medium(mean)}`,
    };
  },
  readers: (step, slot, index) => ({ outputs: [index], factors: [affineFactor(step, own(step, index))] }),
  parameterReaders(step, name, index) {
    const { outputs, factors } = ownOutputs(step, index);
    if (name === "bias") return { outputs, factors };
    const [mean, scale] = [step.mean.values[index], 1 / deviation(step, index)];
    return { outputs, factors: outputs.map((o) => (step.inputs[0][o] - mean) * scale) };
  },
};

/** Mean and variance are those of a group: an equal run of the flat input. */
const normalize = {
  parts(step, index) {
    const { mean, inverse } = group(step, index);
    const of = own(step, index);
    return {
      sources: [index],
      values: [step.inputs[0][index] - mean],
      factors: [inverse * (step.weight ? step.weight.values[of] : 1)],
      bias: step.bias ? step.bias.values[of] : null,
      label: `x − mean ${medium(mean)}`,
    };
  },
  readers(step, slot, index) {
    const { first, size, mean, inverse } = group(step, index);
    const x = step.inputs[0];
    const outputs = Array.from({ length: size }, (_, i) => first + i);
    const normal = (i) => (x[i] - mean) * inverse;
    const slope = (o) => ((o === index ? 1 : 0) - (1 + normal(o) * normal(index)) / size) * inverse;
    const weight = (o) => (step.weight ? step.weight.values[own(step, o)] : 1);
    return { outputs, factors: outputs.map((o) => slope(o) * weight(o)) };
  },
  parameterReaders(step, name, index) {
    const { outputs, factors } = ownOutputs(step, index);
    if (name === "bias") return { outputs, factors };
    const { mean, inverse } = group(step, outputs[0]);
    return { outputs, factors: outputs.map((o) => (step.inputs[0][o] - mean) * inverse) };
  },
};

/** y = x · s^−beta, s = k + alpha / size · sum of x² over the neighboring channels. */
const localResponse = {
  parts(step, index) {
    const { size, alpha, beta, k } = step.rule;
    const x = step.inputs[0];
    const sources = neighbors(step, index, Math.floor(size / 2), Math.floor((size - 1) / 2));
    return {
      sources,
      factors: sources.map(() => alpha / size),
      products: sources.map((i) => (alpha / size) * x[i] ** 2),
      bias: k,
      finish: (sum) => x[index] * sum ** -beta,
      formula: `${medium(x[index])} · s^−${medium(beta)}`,
      label: "x²",
    };
  },
  readers(step, slot, index) {
    const { size, alpha, beta, k } = step.rule;
    const x = step.inputs[0];
    const outputs = neighbors(step, index, Math.floor((size - 1) / 2), Math.floor(size / 2));
    const factors = outputs.map((o) => {
      const s = this.parts(step, o).products.reduce((sum, product) => sum + product, k);
      const throughSum = x[o] * -beta * s ** (-beta - 1) * (alpha / size) * 2 * x[index];
      return (o === index ? s ** -beta : 0) + throughSum;
    });
    return { outputs, factors };
  },
};

/** exp(x) / sum of exp(x) over the channels of a position, or its logarithm. */
const softmax = {
  parts(step, index) {
    const x = step.inputs[0];
    const sources = channelsAt(step, index);
    const largest = Math.max(...sources.map((i) => x[i]));
    const apart = x[index] - largest;
    return {
      sources,
      factors: sources.map(() => 1),
      products: sources.map((i) => Math.exp(x[i] - largest)),
      finish: (sum) => (step.rule.log ? apart - Math.log(sum) : Math.exp(apart) / sum),
      formula: step.rule.log ? `${medium(apart)} − ln(sum)` : `exp(${medium(apart)}) / sum`,
      label: `exp(x − largest ${medium(largest)})`,
    };
  },
  readers(step, slot, index) {
    const outputs = channelsAt(step, index);
    const probability = (i) => (step.rule.log ? Math.exp(step.output[i]) : step.output[i]);
    const own = probability(index);
    const factors = outputs.map((o) => {
      const difference = (o === index ? 1 : 0) - own;
      return step.rule.log ? difference : probability(o) * difference;
    });
    return { outputs, factors };
  },
};

export const POINTWISE_RULES = { function: activation, affine, normalize, lrn: localResponse, softmax };

/** Which number of a parameter belongs to a value. */
function own({ rule, outputShape }, index) {
  return rule.per === "channel" ? Math.floor(index / plane(outputShape)) : index;
}

function ownOutputs({ rule, outputShape }, index) {
  return rule.per === "channel" ? ofChannel(outputShape, index) : { outputs: [index], factors: [1] };
}

function slopeBelow({ weight, outputShape }, index) {
  return weight.values[weight.values.length > 1 ? Math.floor(index / plane(outputShape)) : 0];
}

function deviation({ rule, variance }, of) {
  return Math.sqrt(variance.values[of] + rule.eps);
}

function affineFactor(step, of) {
  if (!step.mean) return 1;
  return (step.weight ? step.weight.values[of] : 1) / deviation(step, of);
}

/** Begin and length of the group of a value, its mean, and 1 / deviation. */
function group({ rule, inputs }, index) {
  const size = inputs[0].length / rule.groups;
  const first = Math.floor(index / size) * size;
  const values = inputs[0].subarray(first, first + size);
  const mean = values.reduce((sum, x) => sum + x, 0) / size;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / size;
  return { first, size, mean, inverse: 1 / Math.sqrt(variance + rule.eps) };
}

/** Positions at the place of a value in the channels around its own. */
function neighbors({ outputShape }, index, before, after) {
  const size = plane(outputShape);
  const channel = Math.floor(index / size);
  const [first, last] = [Math.max(channel - before, 0), Math.min(channel + after, outputShape[0] - 1)];
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * size + (index % size));
}

function channelsAt({ outputShape }, index) {
  const size = plane(outputShape);
  return Array.from({ length: outputShape[0] }, (_, channel) => channel * size + (index % size));
}
