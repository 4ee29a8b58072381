/**
 * Which inputs are in the window of an output, and in the windows of which outputs an input is.
 *
 * Along one axis, output o of a window reads the inputs o·stride − before + tap·dilation. A transposed convolution is
 * the same relation with inputs and outputs exchanged. Adaptive pools list begin and end of each window (`bins`).
 *
 * @typedef {{tap: number[], at: number[]}} Place  position in the kernel, position in the map
 */

/** Places of the inputs in the window of an output. @param {object} rule @param {number[]} output @param {number[]} extents */
export function windowOf(rule, output, extents) {
  return product(output.map((o, axis) => (rule.transposed ? scattered : gathered)(rule, axis, o, extents[axis])));
}

/** Places of the outputs whose windows contain an input. @param {number[]} input @param {number[]} extents of the output */
export function windowsWith(rule, input, extents) {
  return product(input.map((i, axis) => (rule.transposed ? gathered : scattered)(rule, axis, i, extents[axis])));
}

function gathered(rule, axis, o, extent) {
  const found = [];
  if (rule.bins) {
    const [begin, end] = rule.bins[axis][o];
    for (let at = begin; at < end; at++) found.push([at - begin, at]);
    return found;
  }
  for (let tap = 0; tap < rule.kernel[axis]; tap++) {
    const at = o * rule.stride[axis] - rule.padding[axis][0] + tap * rule.dilation[axis];
    if (at >= 0 && at < extent) found.push([tap, at]);
  }
  return found;
}

function scattered(rule, axis, i, extent) {
  const found = [];
  if (rule.bins) {
    rule.bins[axis].forEach(([begin, end], o) => {
      if (begin <= i && i < end) found.push([i - begin, o]);
    });
    return found;
  }
  for (let tap = 0; tap < rule.kernel[axis]; tap++) {
    const distance = i + rule.padding[axis][0] - tap * rule.dilation[axis];
    const at = distance / rule.stride[axis];
    if (Number.isInteger(at) && at >= 0 && at < extent) found.push([tap, at]);
  }
  return found;
}

/** All combinations of the places along each axis. @returns {Place[]} */
function product(axes) {
  let places = [{ tap: [], at: [] }];
  for (const axis of axes) {
    places = places.flatMap(({ tap, at }) => axis.map(([t, a]) => ({ tap: [...tap, t], at: [...at, a] })));
  }
  return places;
}
