/**
 * The network of the page: its values, its steps, and which step reads which value.
 *
 * Value 0 is the normalized input, value k the output of step k − 1. A value is addressed by its number k and the
 * position in its flat array.
 */
import { arrayReader, unravel } from "cnnfast/data.js";

export class Network {
  /** @param {object} data the JSON of the page */
  constructor(data) {
    this.data = data;
    this.steps = data.steps;
    this.array = arrayReader(data.arrays);
    this.copies = new Map();
    this.bindings = new Map();
    this.names = uniqueNames(data.values.map((value) => value.name));
    /** Names as they are shown: with the operation, where a name is only a number. */
    this.titles = this.names.map((name, k) => (k && /^\d/.test(name) ? `${this.steps[k - 1].op} ${name}` : name));
    /** For each value the pairs [step, which of its inputs] that read it. */
    this.readers = data.values.map(() => []);
    this.steps.forEach((step, s) => step.inputs.forEach((k, slot) => this.readers[k].push([s, slot])));
  }

  /** The step that computes a value; undefined for the input. @param {number} k */
  stepOf(k) {
    return this.steps[k - 1];
  }

  /** @param {number} k @returns {number[]} */
  shape(k) {
    return this.data.values[k].shape;
  }

  /** The flat array of a value, or null if it is not in the file. Copies are computed here. @param {number} k */
  values(k) {
    const reference = this.data.values[k].array;
    if (reference) return this.array(reference).values;
    if (!this.copies.has(k)) this.copies.set(k, this.copied(k));
    return this.copies.get(k);
  }

  copied(k) {
    const step = this.stepOf(k);
    if (step?.rule?.kind !== "copy") return null;
    const from = this.values(step.inputs[0]);
    const index = step.rule.index && this.array(step.rule.index).values;
    return from && index ? Float64Array.from(index, (i) => (i < 0 ? step.rule.fill : from[i])) : from;
  }

  /**
   * The step that computes value k with all arrays that its rule names: {rule, from: numbers of the inputs, inputs,
   * output, inputShapes, outputShape, slopes, and weight, bias, mean, variance, index as {values, shape} or null}.
   */
  bound(k) {
    if (!this.bindings.has(k)) this.bindings.set(k, this.bind(k));
    return this.bindings.get(k);
  }

  bind(k) {
    const { rule, inputs, slopes } = this.stepOf(k);
    const arrays = ["weight", "bias", "mean", "variance", "index"];
    return {
      rule,
      from: inputs,
      inputs: inputs.map((input) => this.values(input)),
      output: this.values(k),
      inputShapes: inputs.map((input) => this.shape(input)),
      outputShape: this.shape(k),
      slopes: slopes ? this.array(slopes).values : null,
      ...Object.fromEntries(arrays.map((name) => [name, rule[name] ? this.array(rule[name]) : null])),
    };
  }

  /** d loss / d value k, or null. @param {number} k @returns {ArrayLike<number>|null} */
  gradients(k) {
    const reference = this.data.backward?.gradients[k];
    return reference ? this.array(reference).values : null;
  }

  /** "conv1[3, 5, 5]". @param {number} k @param {number} flat */
  label(k, flat) {
    return `${this.titles[k]}[${unravel(flat, this.shape(k)).join(", ")}]`;
  }

  /** The input's positions that a value has seen: [first, end) on each axis; null: the whole image. */
  receptiveField(k, flat) {
    if (k === 0) return unravel(flat, this.shape(0)).slice(1).map((i) => [i, i + 1]);
    const { rule, receptive_field: field, inputs } = this.stepOf(k);
    if (field) return unravel(flat, this.shape(k)).slice(1).map((i, axis) => [field.first[axis][i], field.end[axis][i]]);
    if (rule?.kind !== "copy") return null;
    const source = rule.index ? this.array(rule.index).values[flat] : flat;
    return source < 0 ? null : this.receptiveField(inputs[0], source);
  }

  /** Name of an output class. @param {number} i */
  className(i) {
    return this.data.model.classes?.[i] ?? String(i);
  }
}

function uniqueNames(names) {
  const seen = new Set();
  return names.map((name, k) => {
    const own = name && !seen.has(name) ? name : `${name || "value"}:${k}`;
    seen.add(own);
    return own;
  });
}
