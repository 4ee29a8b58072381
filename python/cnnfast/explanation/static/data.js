/**
 * The data of the page: arrays as base64 of little-endian numbers, decoded when they are first used.
 *
 * @typedef {{dtype: string, shape: number[], data: string}} Entry  an array as it is in the file
 * @typedef {{values: Float64Array|Float32Array|Int32Array|Uint8Array, shape: number[]}} Numbers
 */

const TYPES = { float64: Float64Array, float32: Float32Array, int32: Int32Array, uint8: Uint8Array };

/**
 * @param {Entry} entry
 * @returns {Numbers}
 */
export function decodeArray(entry) {
  const type = TYPES[entry.dtype];
  if (!type) throw new Error(`array of type ${entry.dtype}; known are ${Object.keys(TYPES).join(", ")}`);
  const text = atob(entry.data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const values = new type(bytes.buffer);
  if (values.length !== count(entry.shape)) {
    throw new Error(`array of ${values.length} numbers, but its shape is (${entry.shape.join(", ")})`);
  }
  return { values, shape: entry.shape };
}

/**
 * A function that returns the array of a reference, decoded once.
 *
 * @param {Object<string, Entry>} entries
 * @returns {(reference: string) => Numbers}
 */
export function arrayReader(entries) {
  const decoded = new Map();
  return (reference) => {
    if (!decoded.has(reference)) decoded.set(reference, decodeArray(entries[reference]));
    return decoded.get(reference);
  };
}

/** Number of values of a shape. @param {number[]} shape */
export function count(shape) {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** (channel, row, column) of a position in the flat array. @param {number} flat @param {number[]} shape */
export function unravel(flat, shape) {
  const index = new Array(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = flat % shape[axis];
    flat = Math.floor(flat / shape[axis]);
  }
  return index;
}

/** Position in the flat array. @param {number[]} index @param {number[]} shape */
export function ravel(index, shape) {
  return index.reduce((flat, i, axis) => flat * shape[axis] + i, 0);
}

/** The shape as maps (channels, height, width); a sequence is one row for each channel, a vector single values. */
export function asMaps(shape) {
  if (shape.length >= 3) return [count(shape.slice(0, -2)), ...shape.slice(-2)];
  return shape.length === 2 ? [shape[0], 1, shape[1]] : [count(shape), 1, 1];
}
