/** The explain page: reads the data, builds the sections, and connects them with the panel and the address. */
import { addressOf, targetOf } from "cnnfast/address.js";
import { element } from "cnnfast/dom.js";
import { backwardSection, inputSection, outputSection } from "cnnfast/end_sections.js";
import { evidenceSection } from "cnnfast/evidence.js";
import { inspected } from "cnnfast/inspector.js";
import { Network } from "cnnfast/network.js";
import { integer, percent } from "cnnfast/numbers.js";
import { stepSection, valueSource } from "cnnfast/step_section.js";
import { explained, influence, valueTerms } from "cnnfast/terms.js";

/** What the sections share: the network, the views of each value, and what is inspected. */
class App {
  constructor(network) {
    this.network = network;
    this.views = new Map();
    this.gradients = false;
    this.target = null;
    this.marked = new Map();
    /** Addresses inspected since the panel was opened. */
    this.trail = [];
    this.panel = element("aside", { id: "panel", "aria-label": "Inspected value", hidden: true });
    globalThis.addEventListener("hashchange", () => this.follow());
    globalThis.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  source(k) {
    return valueSource(this, k);
  }

  /** Registers a view of value k, so that it follows what is inspected. */
  add(k, view) {
    this.views.set(k, [...(this.views.get(k) ?? []), view]);
  }

  marks(k) {
    return { chosen: this.target?.k === k && !this.target.parameter ? this.target.index : null, marked: this.marked.get(k) ?? [] };
  }

  /** Shows a value, gradient or weight; the browser's history goes back. @param {import("cnnfast/address.js").Target} target */
  inspect(target) {
    const address = `#${addressOf(this.network, target)}`;
    if (location.hash === address) this.follow();
    else location.hash = address;
  }

  follow() {
    const target = targetOf(this.network, location.hash.slice(1));
    if (!target) return;
    if (this.trail.at(-2) === location.hash) this.trail.pop();
    else if (this.trail.at(-1) !== location.hash) this.trail.push(location.hash);
    this.target = target;
    this.marked = marksOf(this.network, target);
    const bar = element(
      "div", { class: "row bar-of-panel" },
      element("button", { type: "button", disabled: this.trail.length < 2, onclick: () => history.back() }, "← Back"),
      element("button", { type: "button", onclick: () => this.close() }, "Close"),
    );
    this.panel.hidden = false;
    document.body.classList.add("inspecting");
    this.panel.replaceChildren(bar, ...inspected(this, target).filter(Boolean));
    this.panel.dataset.address = location.hash.slice(1);
    this.panel.scrollTop = 0;
    this.panel.querySelector("h2").focus({ preventScroll: true });
    this.outline();
    this.reveal(target.k);
  }

  /** Scrolls to the maps of a value, unless some of its maps are in sight. */
  reveal(k) {
    const views = this.views.get(k) ?? [];
    const inSight = ({ node }) => {
      const { top, bottom } = node.getBoundingClientRect();
      return node.offsetParent !== null && bottom > 60 && top < innerHeight * 0.45;
    };
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (views.length && !views.some(inSight)) {
      views[0].node.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
    }
  }

  close() {
    if (!this.target) return;
    const { k } = this.target;
    this.target = null;
    this.marked = new Map();
    this.trail = [];
    this.panel.hidden = true;
    document.body.classList.remove("inspecting");
    history.replaceState(null, "", location.pathname + location.search);
    this.outline();
    this.views.get(k)?.[0].overlay.focus({ preventScroll: true });
  }

  outline() {
    for (const views of this.views.values()) views.forEach((view) => view.outline());
  }

  /** Maps show gradients instead of values, where there are any. */
  showGradients(on) {
    this.gradients = on;
    for (const views of this.views.values()) views.forEach((view) => view.update());
  }
}

/** Of each value the positions to mark: what an inspected value reads; for a gradient, what reads the value. */
function marksOf(network, { k, index, gradient, parameter }) {
  if (parameter) return new Map();
  const readable = k > 0 && explained(network.stepOf(k)) && network.stepOf(k).inputs.every((input) => network.values(input));
  const from = gradient || k === 0 ? influence(network, k, index) : readable ? valueTerms(network, k, index).terms : [];
  const marked = new Map();
  for (const entry of from) marked.set(entry.k, [...new Set([...(marked.get(entry.k) ?? []), entry.index])]);
  return marked;
}

function header(app) {
  const { title, model, output, backward } = app.network.data;
  const { prediction, probabilities } = output;
  const probability = probabilities && prediction !== null ? `, probability ${percent(app.network.array(probabilities).values[prediction])}` : "";
  const gradients = element("button", {
    type: "button", "aria-pressed": "false",
    onclick: ({ target }) => {
      app.showGradients(!app.gradients);
      target.setAttribute("aria-pressed", String(app.gradients));
    },
  }, "Show gradients in the maps");
  return element(
    "header", {},
    element("h1", {}, title),
    prediction === null ? null : element("p", {}, "Prediction: ", element("strong", {}, app.network.className(prediction)), `${probability}.`),
    element("p", { class: "small quiet" }, `${model.name}: ${integer(model.parameters)} parameters, ${integer(model.macs)} multiply-adds for one image`),
    element("p", {}, "This page shows every number that the network computes for one image, from the input to the answer. Point at a value to see how it is computed; click it, or press Enter, to see every term and to go back to the values it came from."),
    backward ? gradients : null,
  );
}

function contents(sections) {
  const entries = sections.map((section) => {
    const title = section.querySelector("h2").textContent;
    return element("li", {}, element("a", { href: `#${section.id}` }, title));
  });
  return element("nav", { "aria-label": "Contents" }, element("details", { open: true }, element("summary", {}, "Contents"), element("ol", {}, entries)));
}

function start() {
  const data = JSON.parse(document.getElementById("cnnfast-data").textContent);
  const app = new App(new Network(data));
  const sections = [
    inputSection(app),
    ...data.steps.map((_, s) => stepSection(app, s + 1)),
    outputSection(app),
    data.backward && backwardSection(app),
    evidenceSection(app),
  ].filter(Boolean);
  const list = contents(sections);
  if (matchMedia("(max-width: 900px)").matches) list.firstChild.open = false;
  document.getElementById("page").append(header(app), ...sections);
  document.body.prepend(list);
  document.body.append(app.panel);
  if (location.hash.includes("/")) app.follow();
  else if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  document.body.dataset.ready = "true";
}

start();
