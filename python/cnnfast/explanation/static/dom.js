/** Builds elements. Text is always inserted as text: names of classes and files are never parsed as HTML. */

/**
 * An element: `element("p", {class: "quiet"}, "text", child)`. Attributes whose names begin with "on" are listeners;
 * null, undefined and false leave an attribute or child out.
 *
 * @param {string} tag @param {Object<string, any>} attributes @param {...(Node|string|null|undefined|false)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  set(made, attributes);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** An SVG element, likewise. @returns {SVGElement} */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  set(made, attributes);
  made.append(...children.flat());
  return made;
}

/** A button that looks like a link. @param {string} text @param {() => void} action */
export function link(text, action) {
  return element("button", { type: "button", class: "link", onclick: action }, text);
}

/** A table with a row of headings. @param {string[]} headings @param {Array<Array<Node|string>>} rows */
export function table(headings, rows, { right = [] } = {}) {
  const side = (i) => (right.includes(i) ? "right" : null);
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, headings.map((text, i) => element("th", { scope: "col", class: side(i) }, text)))),
    element("tbody", {}, rows.map((row) => element("tr", {}, row.map((cell, i) => element("td", { class: side(i) }, cell))))),
  );
}

function set(made, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
}
