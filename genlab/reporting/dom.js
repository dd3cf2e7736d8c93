"use strict";
// What the other scripts share. All files of this folder run as one script, in the order that
// genlab/reporting/report.py gives.

const count = new Intl.NumberFormat("en");

function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function draw(parent, name, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

function short(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace("+", "").replace(/\.?0+e/, "e");
  return String(Number(value.toPrecision(4)));
}

// Draws anew where the width has changed, on paper too.
function redrawn(render) {
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (width === window.innerWidth) return; // a phone's address bar changes only the height
    width = window.innerWidth;
    render();
  });
  matchMedia("print").addEventListener("change", render);
}

// How far curves are smoothed, in words.
function spoken(share) {
  return `${Math.round(100 * share)} % of the run`;
}
