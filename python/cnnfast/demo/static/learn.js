/** Watch it learn: commands to the training and what they change on the page. */

import { asMaps, decodeArray } from "./data.js";
import { element } from "./dom.js";
import { drawMap, drawMaps, layOut } from "./maps.js";
import { integer, percent } from "./numbers.js";
import { get, post } from "./api.js";
import { drawCurve } from "./chart.js";
import { showLayers } from "./layers.js";

/** Milliseconds between two questions; none are asked while the page cannot be seen. */
const INTERVAL = 300;
const MOST_POINTS = 3000;

const $ = (id) => document.getElementById(id);
let losses = [];
let accuracies = [];
let image = 0;
let timer = 0;

/** @param {(work: () => Promise<void>) => Promise<void>} guarded shows errors @param {() => Promise<void>} changed network */
export function setUp(guarded, changed) {
  const command = (action, value) => guarded(async () => {
    await post("command", { action, value });
    await look();
  });
  $("start").onclick = () => guarded(async () => {
    $("progress").textContent = "Reading the images …";
    forget();
    await post("command", { action: "start", value: $("course").value });
    $("lr").value = 0.001;
    await look();
  });
  $("run").onclick = () => command($("run").dataset.action);
  $("step").onclick = () => command("step");
  $("reset").onclick = () => {
    forget();
    return command("reset");
  };
  $("lr").onchange = () => command("lr", Number($("lr").value));
  $("other").onclick = () => command("choose", ++image);
  $("use").onclick = () => guarded(async () => {
    await post("command", { action: "use" });
    await changed();
  });
  const tick = () => {
    const isSeen = !document.hidden && !$("panel-learn").hidden;
    timer = setTimeout(tick, INTERVAL);
    if (isSeen) guarded(look);
  };
  clearTimeout(timer);
  tick();
}

function forget() {
  losses = [];
  accuracies = [];
}

async function look() {
  const since = losses.at(-1)?.[0] ?? 0;
  const state = await get(`learning?since=${since}`);
  const isThere = state.mode !== "none";
  for (const id of ["run", "step", "reset", "lr", "use", "other"]) $(id).disabled = !isThere;
  if (!isThere) return;
  if (state.step < since) {
    forget(); // another tab has reset it
    return;
  }
  losses.push(...state.losses.filter(([step]) => step > since));
  accuracies.push(...state.accuracies.filter(([step]) => step > (accuracies.at(-1)?.[0] ?? 0)));
  if (losses.length > MOST_POINTS) losses = losses.filter((_, i) => i % 2 === 1);
  show(state);
}

function show(state) {
  const isRunning = state.mode === "running";
  $("run").textContent = isRunning ? "Pause" : "Continue";
  $("run").dataset.action = isRunning ? "pause" : "run";
  const speed = isRunning ? `, ${integer(state.images_per_second)} images a second` : ", paused";
  $("progress").textContent = state.error || `Step ${integer(state.step)}, epoch ${state.epoch.toFixed(2)}${speed}.`;
  drawCurve($("loss"), losses, { smooth: 10 });
  drawCurve($("accuracy"), accuracies, { top: 1, isPercent: true });
  showConfusion(state);
  showKernels($("kernels"), state.view.kernels);
  $("gradient").replaceChildren();
  if (state.view.gradient) {
    const canvas = element("canvas", { role: "img", "aria-label": "Gradient of the first kernels" });
    $("gradient").append(element("h3", {}, "Their gradient in this batch"), canvas);
    showKernels(canvas, state.view.gradient);
  }
  const [[name, probability]] = state.view.top;
  $("guess").textContent = `The network says ${name}, ${percent(probability)}.`;
  const { input } = state.view;
  showLayers($("watched"), [{ name: "input", operation: "", maps: input.shape[0], values: input }, ...state.view.layers]);
}

function showConfusion({ confusion, classes }) {
  const rows = confusion.map((row) => {
    const total = row.reduce((sum, value) => sum + value, 0) || 1;
    return row.map((value) => value / total);
  });
  drawMap($("confusion"), rows.flat(), rows.length, rows.length, { scale: "gray", min: 0, max: 1 });
  const total = confusion.flat().reduce((sum, value) => sum + value, 0);
  const right = confusion.reduce((sum, row, i) => sum + row[i], 0);
  let worst = [0, 0, 0];
  confusion.forEach((row, i) => row.forEach((value, k) => {
    if (i !== k && value > worst[0]) worst = [value, i, k];
  }));
  const pair = worst[0] ? ` Most often ${classes[worst[1]]} is read as ${classes[worst[2]]}.` : "";
  $("confusion-text").textContent = `Rows: the true class. Columns: the prediction. ${right} of ${total} are right.${pair}`;
}

/** The first input channel of each kernel. */
function showKernels(canvas, kernels) {
  if (!kernels) return;
  const { values, shape } = decodeArray(kernels.values);
  const [out, channels, height, width] = shape;
  const first = new Float32Array(out * height * width);
  for (let k = 0; k < out; k++) {
    const start = k * channels * height * width;
    first.set(values.subarray(start, start + height * width), k * height * width);
  }
  drawMaps(canvas, first, layOut(asMaps([out, height, width]), canvas.parentElement.clientWidth, { cell: 10 }));
}
