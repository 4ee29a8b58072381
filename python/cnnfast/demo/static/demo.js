/** The page: tabs, drawing, answers, lessons. */

import { element } from "./dom.js";
import { percent } from "./numbers.js";
import { get, newest, post } from "./api.js";
import { showAnswer, showInput, showLayers } from "./layers.js";
import { setUp } from "./learn.js";
import { Pad } from "./pad.js";

const $ = (id) => document.getElementById(id);

/** Runs a piece of work and shows its error. @param {() => Promise<void>} work */
async function guarded(work) {
  try {
    await work();
    $("message").hidden = true;
  } catch (error) {
    $("message").textContent = error.message;
    $("message").hidden = false;
  }
}

// ------------------------------------------------------------------ drawing and answer

const classify = newest(() => guarded(async () => {
  if (pad.isEmpty) {
    blank();
    return;
  }
  const answer = await post(`drawing?w=${pad.canvas.width}&h=${pad.canvas.height}`, pad.pixels());
  if (answer.nothing) blank("Too little to read yet.");
  else show(answer);
}));

const pad = new Pad($("pad"), () => {
  for (const id of ["undo", "clear"]) $(id).disabled = pad.isEmpty;
  classify();
});

let drawing = 0;

function show(answer) {
  drawing = answer.drawing;
  $("explain").href = `explanation?drawing=${drawing}`;
  showInput($("input"), answer.input);
  showAnswer($("bars"), $("verdict"), answer);
  showLayers($("layers"), answer.layers);
  $("warning").textContent = answer.warning ? `Note: ${answer.warning}` : "";
  $("explain").hidden = false;
  $("add").disabled = false;
}

function blank(verdict = "Draw something.") {
  $("verdict").textContent = verdict;
  $("warning").textContent = "";
  $("bars").replaceChildren();
  $("layers").replaceChildren();
  delete $("layers").dataset.names;
  $("input").getContext("2d").clearRect(0, 0, $("input").width, $("input").height);
  $("explain").hidden = true;
  $("add").disabled = true;
}

/** @param {Blob|null|undefined} file */
function open(file) {
  return guarded(async () => {
    if (!file) return;
    const answer = await post("image", file);
    show(answer);
    const image = await createImageBitmap(file).catch(() => null); // a format that only the server reads
    if (image) pad.show(image);
    for (const id of ["undo", "clear"]) $(id).disabled = pad.isEmpty;
  });
}

$("undo").onclick = () => pad.undo();
$("clear").onclick = () => pad.clear();
$("file").onchange = () => open($("file").files[0]);
document.addEventListener("paste", (event) => open([...event.clipboardData.files][0]));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  open([...event.dataTransfer.files][0]);
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !$("panel-draw").hidden) pad.undo();
});

// ------------------------------------------------------------------ lessons

function showLessons(counts) {
  const parts = Object.entries(counts).map(([name, count]) => `${count} × ${name}`);
  $("lessons").textContent = parts.length ? `Lessons: ${parts.join(", ")}` : "No lessons yet.";
  $("tune").disabled = parts.length === 0;
  $("save-drawings").hidden = parts.length === 0;
  $("restore").disabled = parts.length === 0;
}

$("add").onclick = () => guarded(async () => showLessons((await post("teach", { drawing, label: $("label").value })).lessons));
$("tune").onclick = () => guarded(async () => {
  $("tune").disabled = true;
  try {
    const answer = await post("tune", { drawing });
    const [before, after] = [answer.before[0], answer.top[0]];
    show(answer);
    $("tuned").textContent =
      `${answer.steps} steps. Before: ${before[0]}, ${percent(before[1])}. Now: ${after[0]}, ${percent(after[1])}.`;
  } finally {
    $("tune").disabled = false;
  }
});

$("restore").onclick = () => guarded(async () => {
  showLessons((await post("restore")).lessons);
  $("tuned").textContent = "The network is as it was before the lessons.";
  if (!pad.isEmpty) classify();
});

// ------------------------------------------------------------------ the page

function select(name) {
  for (const part of ["draw", "learn"]) {
    $(`panel-${part}`).hidden = part !== name;
    $(`tab-${part}`).setAttribute("aria-selected", String(part === name));
    $(`tab-${part}`).tabIndex = part === name ? 0 : -1;
  }
}

for (const name of ["draw", "learn"]) {
  $(`tab-${name}`).onclick = () => select(name);
  $(`tab-${name}`).onkeydown = (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = name === "draw" ? "learn" : "draw";
    select(other);
    $(`tab-${other}`).focus();
  };
}

async function describe() {
  const about = await get("about");
  $("about").textContent = `${about.model}: ${about.parameters} parameters, classes ${about.classes.join(" ")}. It runs on this machine.`;
  $("label").replaceChildren(...about.classes.map((name) => element("option", { value: name }, name)));
  if ($("course").children.length === 0) {
    $("course").replaceChildren(...about.courses.map(([name, title]) => element("option", { value: name }, title)));
  }
  showLessons(about.lessons);
}

setUp(guarded, async () => {
  await describe();
  select("draw");
  if (!pad.isEmpty) classify();
});
guarded(describe);
