/**
 * The network of the page: its values, its steps, and which step reads which value.
 *
 * Value 0 is the normalized input, value k the output of step k − 1. A value is addressed by its number k and the
 * position in its flat array.
 */
import { arrayReader, ravel, unravel } from "cnnfast/data.js";

export class Network {
  /** @param {object} data the JSON of the page */
  constructor(data) {
    this.data = data;
    this.steps = data.steps;
    this.array = arrayReader(data.arrays);
    this.computed = new Map();
    this.names = uniqueNames(data.values.map((value) => value.name));
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

  /** The flat array of a value; one that only moves numbers may be left out of the file. @param {number} k */
  values(k) {
    const reference = this.data.values[k].array;
    if (reference) return this.array(reference).values;
    if (!this.computed.has(k)) this.computed.set(k, this.moved(k));
    return this.computed.get(k);
  }

  moved(k) {
    const step = this.stepOf(k);
    const from = this.values(step.inputs[0]);
    const index = this.array(step.rule.index).values;
    return Float64Array.from(index, (i) => (i < 0 ? step.rule.fill : from[i]));
  }

  /** d loss / d value k, or null. @param {number} k @returns {ArrayLike<number>|null} */
  gradients(k) {
    const reference = this.data.backward?.gradients[k];
    return reference ? this.array(reference).values : null;
  }

  /** "conv1[3, 5, 5]". @param {number} k @param {number} flat */
  label(k, flat) {
    return `${this.names[k]}[${unravel(flat, this.shape(k)).join(", ")}]`;
  }

  /** For location.hash: "conv1/3,5,5". @param {number} k @param {number} flat */
  address(k, flat) {
    return `${encodeURIComponent(this.names[k])}/${unravel(flat, this.shape(k)).join(",")}`;
  }

  /** [k, flat] of an address, or null. @param {string} address */
  find(address) {
    const [name, position = ""] = address.split("/");
    const k = this.names.indexOf(decoded(name));
    const index = position.split(",").map(Number);
    if (k < 0 || index.length !== this.shape(k).length) return null;
    const inside = index.every((i, axis) => Number.isInteger(i) && i >= 0 && i < this.shape(k)[axis]);
    return inside ? [k, ravel(index, this.shape(k))] : null;
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

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
