/** The kernels of a convolution as small maps; a click on a weight inspects it. */
import { count, unravel } from "cnnfast/data.js";
import { element } from "cnnfast/dom.js";
import { largest } from "cnnfast/maps.js";
import { MapsView } from "cnnfast/maps_view.js";
import { medium, short } from "cnnfast/numbers.js";

/** @param {object} app see page.js @param {number} k */
export function kernels(app, k) {
  const { weight } = app.network.bound(k);
  const [first, second, ...kernel] = weight.shape;
  if (second === 1) return whole(view(app, k, 0, [first, ...kernel]), `${first} kernels, one for each output channel`);
  const place = element("div");
  const show = (channel) => place.replaceChildren(view(app, k, channel * second * count(kernel), [second, ...kernel]).node);
  show(0);
  const options = Array.from({ length: first }, (_, i) => element("option", { value: i }, String(i)));
  const choice = element("select", { onchange: (event) => show(Number(event.target.value)) }, options);
  const side = app.network.stepOf(k).rule.transposed ? ["input", "output"] : ["output", "input"];
  const label = element("label", { class: "row small" }, `Kernels of ${side[0]} channel`, choice, `one for each ${side[1]} channel`);
  return element("div", {}, element("h3", {}, "Its kernels"), label, place);
}

function whole(maps, text) {
  return element("div", {}, element("h3", {}, "Its kernels"), element("p", { class: "small quiet" }, text), maps.node);
}

function view(app, k, begin, shape) {
  const { weight } = app.network.bound(k);
  const name = app.network.titles[k];
  const many = shape[0] > 32;
  return new MapsView({
    values: () => weight.values.subarray(begin, begin + count(shape)),
    shape,
    label: `Kernels of ${name}`,
    describe: (flat) => `${name}.weight[${unravel(begin + flat, weight.shape).join(", ")}] = ${medium(weight.values[begin + flat])}`,
    inspect: (flat) => app.inspect({ k, parameter: "weight", index: begin + flat }),
    coloring: { max: largest(weight.values), numbers: short },
    size: { cell: many ? 12 : 36, gap: many ? 6 : 12 },
  });
}
