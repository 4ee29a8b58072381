/** What the prediction depends on: occlusion map, input gradient, Grad-CAM, nearest training images. */
import { brightest, imageShape } from "cnnfast/end_sections.js";
import { element } from "cnnfast/dom.js";
import { drawImage, drawMap } from "cnnfast/maps.js";
import { medium } from "cnnfast/numbers.js";

/** The section, or null if there is nothing to show. @param {object} app see page.js */
export function evidenceSection({ network }) {
  const { occlusion, input_gradient: gradient, grad_cam: cams, neighbors } = network.data.evidence;
  if (!occlusion && !gradient && !cams.length && !neighbors.length) return null;
  const section = element("section", { id: "evidence", "aria-labelledby": "title-evidence" });
  section.append(element("h2", { id: "title-evidence" }, "What the answer depends on"));
  if (occlusion) {
    section.append(
      element("h3", {}, "Occlusion map"),
      element("p", {}, `A square of ${occlusion.size.join(" × ")} pixels is hidden at each place. Red: without these pixels, class ${network.className(occlusion.target)} is less likely; blue: more likely.`),
      figure(network, occlusion.array, occlusion.text),
    );
  }
  if (gradient) {
    section.append(
      element("h3", {}, "Input gradient"),
      element("p", {}, "How much the score of the class changes when a pixel becomes a little brighter: red up, blue down."),
      figure(network, gradient.array, gradient.text),
    );
  }
  if (cams.length) {
    section.append(
      element("h3", {}, "Grad-CAM of each layer"),
      element("p", {}, "The maps of a layer, each weighted by the mean of its gradient, added; negative sums are set to 0."),
      element("div", { class: "row top" }, cams.map((cam) => figure(network, cam.array, [network.titles[cam.value], cam.text].filter(Boolean).join(": "), false))),
    );
  }
  if (neighbors.length) {
    section.append(
      element("h3", {}, "Nearest training images"),
      element("p", {}, "The training images whose values in the last hidden layer are most similar."),
      element("div", { class: "row top" }, neighbors.map(neighbor(network))),
    );
  }
  return section;
}

/** A map and, if wanted, the image beside it. */
function figure(network, reference, text, beside = true) {
  const { values, shape } = network.array(reference);
  const [height, width] = shape.length > 1 ? shape.slice(-2) : [1, shape[0]];
  const plane = height * width;
  const canvases = Array.from({ length: values.length / plane }, (_, channel) => {
    const canvas = framed(height, width, text);
    drawMap(canvas, values.subarray(channel * plane, (channel + 1) * plane), height, width);
    return canvas;
  });
  return element("figure", {}, element("div", { class: "row" }, canvases, beside && original(network)), element("figcaption", {}, text));
}

function original(network) {
  const { image } = network.data;
  const shape = imageShape(network);
  if (!shape) return null;
  const pixels = network.array(image.array).values;
  const canvas = framed(shape[1], shape[2], "the image");
  drawImage(canvas, pixels, shape, brightest(pixels));
  return canvas;
}

function framed(height, width, label) {
  const size = `width: ${Math.round(150 * Math.min(1, width / height))}px; height: ${Math.max(10, Math.round(150 * Math.min(1, height / width)))}px`;
  return element("canvas", { class: "pixelated", style: size, role: "img", "aria-label": label });
}

function neighbor(network) {
  return ({ index, label, distance, image }) => {
    const { values, shape } = network.array(image);
    const [channels, height, width] = shape.length === 2 ? [1, ...shape] : shape;
    const canvas = element("canvas", { class: "pixelated neighbor", role: "img", "aria-label": `training image ${index}` });
    drawImage(canvas, values, [channels, height, width]);
    return element("figure", {}, canvas, element("figcaption", {}, `${label}, image ${index}, distance ${medium(distance)}`));
  };
}
