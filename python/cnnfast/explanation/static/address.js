/**
 * What can be inspected, as the text behind # in the page's address: `conv2/3,5,5` is a value, `conv2/3,5,5/gradient`
 * its gradient, `conv2/3,0,1,1/weight` a number of a parameter.
 *
 * @typedef {{k: number, index: number, gradient?: boolean, parameter?: string}} Target
 */
import { ravel, unravel } from "cnnfast/data.js";

/** @param {import("cnnfast/network.js").Network} network @param {Target} target */
export function addressOf(network, { k, index, gradient, parameter }) {
  const name = encodeURIComponent(network.names[k]);
  const last = parameter ? `/${encodeURIComponent(parameter)}` : gradient ? "/gradient" : "";
  return `${name}/${unravel(index, shapeOf(network, k, parameter)).join(",")}${last}`;
}

/** @param {string} address @returns {Target|null} null: there is no such number */
export function targetOf(network, address) {
  const [name, position = "", last] = address.split("/").map(decoded);
  const k = network.names.indexOf(name);
  if (k < 0) return null;
  const gradient = last === "gradient";
  const parameter = gradient ? undefined : last;
  if (parameter && !network.stepOf(k)?.parameters[parameter]) return null;
  if (gradient ? !network.gradients(k) : !parameter && !network.values(k)) return null;
  const shape = shapeOf(network, k, parameter);
  const index = position === "" ? [] : position.split(",").map(Number);
  const inside = index.every((i, axis) => Number.isInteger(i) && i >= 0 && i < shape[axis]);
  if (index.length !== shape.length || !inside) return null;
  return { k, index: ravel(index, shape), gradient, parameter };
}

function shapeOf(network, k, parameter) {
  return parameter ? network.array(network.stepOf(k).parameters[parameter]).shape : network.shape(k);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
