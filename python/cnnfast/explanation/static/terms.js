/**
 * The sum that makes a value or a gradient, term by term: the interpreter of the rules, as terms.py in Python.
 *
 * A rule has three functions. `parts(step, index)` returns the sum of one output: `sources` (positions in the flat
 * inputs), `factors`, and where they differ from the usual `values` (the inputs), `products` (factor · value), `slots`
 * (the first input), `parameters` (none), `bias` (none), `finish` (nothing is applied to the sum). `readers(step, slot,
 * index)` returns the outputs that depend on an input, and the factors d output / d input;
 * `parameterReaders(step, name, index)` likewise for a number of a parameter.
 *
 * @typedef {{k: number, index: number, value: number, factor: number, product: number, parameter: number|null}} Term
 *   value `index` of value k, times the factor, which is number `parameter` of the step's weight
 * @typedef {{terms: Term[], bias: number|null, sum: number, result: number, formula: string, label: string}} Sum
 */
import { POINTWISE_RULES } from "cnnfast/pointwise.js";
import { PRODUCT_RULES } from "cnnfast/products.js";
import { WINDOW_RULES } from "cnnfast/windows.js";

const RULES = { ...WINDOW_RULES, ...POINTWISE_RULES, ...PRODUCT_RULES };

/** Whether there is a sum for the values of a step. @param {object} step of the page's data */
export function explained(step) {
  return Boolean(step?.rule && RULES[step.rule.kind]);
}

/** The sum of one value. @param {import("cnnfast/network.js").Network} network @returns {Sum} */
export function valueTerms(network, k, index) {
  const step = network.bound(k);
  const { sources, factors, slots, parameters, values, products, bias = null, finish, formula = "", label = "" } =
    RULES[step.rule.kind].parts(step, index);
  const terms = sources.map((source, i) => {
    const slot = slots ? slots[i] : 0;
    const value = values ? values[i] : step.inputs[slot][source];
    const product = products ? products[i] : factors[i] * value;
    const parameter = parameters ? parameters[i] : null;
    return { k: step.from[slot], index: source, value, factor: factors[i], product, parameter };
  });
  const sum = total(terms) + (bias ?? 0);
  return { terms, bias, sum, result: finish ? finish(sum) : sum, formula, label };
}

/**
 * Everything that reads a value: one entry for each output of each step behind it.
 *
 * @returns {{k: number, index: number, factor: number, parameter: number|null}[]} value k at `index` depends on it
 */
export function influence(network, k, index) {
  return network.readers[k].flatMap(([s, slot]) => {
    if (!explained(network.steps[s])) return [];
    const step = network.bound(s + 1);
    const { outputs, factors, parameters } = RULES[step.rule.kind].readers(step, slot, index);
    return outputs.map((output, i) => ({
      k: s + 1,
      index: output,
      factor: factors[i],
      parameter: parameters ? parameters[i] : null,
    }));
  });
}

/** d loss / d value as the sum over everything that reads it; null where the sum is not known. @returns {Sum|null} */
export function gradientTerms(network, k, index) {
  const { backward } = network.data;
  if (!backward || k >= backward.at || !network.readers[k].every(([s]) => explained(network.steps[s]))) return null;
  const read = influence(network, k, index);
  if (read.some((entry) => !network.gradients(entry.k))) return null;
  return summed(read.map((entry) => gradientTerm(network, entry)));
}

/** d loss / d one number of a parameter, as the sum over the outputs that use it. @returns {Sum|null} */
export function parameterTerms(network, k, name, index) {
  const rule = network.stepOf(k).rule;
  if (!network.gradients(k) || !explained(network.stepOf(k)) || !RULES[rule.kind].parameterReaders) return null;
  const step = network.bound(k);
  const { outputs, factors, sources } = RULES[rule.kind].parameterReaders(step, name, index);
  return summed(
    outputs.map((output, i) => ({
      ...gradientTerm(network, { k, index: output, factor: factors[i], parameter: null }),
      source: sources ? sources[i] : null,
    })),
  );
}

/** Terms by the size of their products, the largest first. @param {Term[]} terms */
export function byContribution(terms) {
  return [...terms].sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
}

function gradientTerm(network, { k, index, factor, parameter }) {
  const value = network.gradients(k)[index];
  return { k, index, value, factor, product: factor * value, parameter };
}

function summed(terms) {
  const sum = total(terms);
  return { terms, bias: null, sum, result: sum, formula: "", label: "" };
}

function total(terms) {
  return terms.reduce((sum, term) => sum + term.product, 0);
}
