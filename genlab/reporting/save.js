// Charts and tables as files: SVG and PNG in light colors, CSV, and LaTeX with booktabs.

const STYLES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "opacity", "font-size", "font-family", "text-anchor", "paint-order"];
const SCALE = 3; // pixels of a PNG to each of the screen
const LINE = 18; // height of a row of the legend

// Gives a card with a picture, a table, or both the buttons that save them; `rows` are the numbers
// of a picture that has no table of its own.
function savable(card, title, rows) {
  const place = make("div", { class: "save" }, make("span", {}, "Save as"));
  const offer = (kind, content) => {
    const button = make("button", { type: "button", "aria-label": `Save ${title} as ${kind}` }, kind);
    button.addEventListener("click", () => content().then((blob) => download(blob, title, kind)));
    place.append(button);
  };
  const text = (make) => () => Promise.resolve(new Blob([make()], { type: "text/plain" }));
  // What lies in a part that is saved by itself is not the card's.
  const own = (what) => [...card.querySelectorAll(what)].find((found) =>
    [card, card.parentNode.closest("[data-save]")].includes(found.closest("[data-save]")));
  const svg = own("svg"), table = card.matches("table") ? card : own("table");
  if (svg) {
    offer("SVG", () => Promise.resolve(svgFile(card, svg).blob));
    offer("PNG", () => pngFile(card, svg));
  }
  if (rows || table) offer("CSV", text(() => csv(rows?.() ?? cells(table, true))));
  if (table) offer("LaTeX", text(() => latex(cells(table, false))));
  if (card.matches("table")) card.parentNode.after(place);
  else card.append(place);
}

function download(blob, title, kind) {
  const ending = { SVG: "svg", PNG: "png", CSV: "csv", LaTeX: "tex" }[kind];
  const name = `${document.querySelector("h1").textContent} ${title}`.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-");
  const link = make("a", { href: URL.createObjectURL(blob), download: `${name}.${ending}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// Everything that the page's styles say about the picture is written into it, as on paper.
function svgFile(card, shown) {
  const [, , width, height] = shown.getAttribute("viewBox").split(" ").map(Number);
  const root = document.documentElement;
  root.classList.add("paper");
  const copy = shown.cloneNode(true);
  inline(shown, copy);
  const entries = [...card.querySelectorAll(".legend button[aria-pressed=true]")];
  const rows = legendRows(entries, width);
  rows.forEach((row, i) => row.forEach(({ entry, x }) => legendEntry(copy, entry, x, height + LINE * (i + 0.8))));
  root.classList.remove("paper");
  const whole = height + LINE * rows.length;
  copy.prepend(draw(copy, "rect", { width, height: whole, fill: "#fff" }));
  for (const name of ["class", "style", "tabindex"]) copy.removeAttribute(name);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("viewBox", `0 0 ${width} ${whole}`);
  copy.setAttribute("width", width);
  copy.setAttribute("height", whole);
  const content = new XMLSerializer().serializeToString(copy);
  return { content, width, height: whole, blob: new Blob([content], { type: "image/svg+xml" }) };
}

function inline(from, to) {
  const style = getComputedStyle(from);
  for (const name of STYLES) if (style.getPropertyValue(name)) to.setAttribute(name, style.getPropertyValue(name));
  to.removeAttribute("class");
  to.removeAttribute("style");
  [...from.children].forEach((child, i) => inline(child, to.children[i]));
}

function legendRows(entries, width) {
  const rows = [[]];
  let x = 8;
  for (const entry of entries) {
    const wide = 34 + 6.6 * entry.dataset.label.length;
    if (x + wide > width && rows.at(-1).length) { rows.push([]); x = 8; }
    rows.at(-1).push({ entry, x });
    x += wide;
  }
  return entries.length ? rows : [];
}

function legendEntry(svg, entry, x, y) {
  const style = getComputedStyle(entry.querySelector("i"));
  const dash = { dashed: "6 3", dotted: "2 3" }[style.borderTopStyle] ?? "none";
  draw(svg, "line", { x1: x, x2: x + 16, y1: y - 4, y2: y - 4, stroke: style.borderTopColor, "stroke-width": 3, "stroke-dasharray": dash });
  draw(svg, "text", { x: x + 21, y, "font-size": "11px", "font-family": getComputedStyle(svg.ownerDocument.body).fontFamily, fill: "#151a21" }, entry.dataset.label);
}

async function pngFile(card, svg) {
  const { content, width, height } = svgFile(card, svg);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(content)}`; // the policy lets data in
  await image.decode();
  const canvas = make("canvas", { width: width * SCALE, height: height * SCALE });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

// The cells of a table as text; `exact` gives numbers with all their digits.
function cells(table, exact) {
  return [...table.rows].map((row) => [...row.cells].map((cell) =>
    exact && cell.dataset.sort ? cell.dataset.sort : cell.textContent.trim()));
}

function csv(rows) {
  const quoted = (value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  return rows.map((row) => `${row.map((value) => quoted(String(value))).join(",")}\n`).join("");
}

function latex([head, ...rows]) {
  const signs = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "±": "$\\pm$", "×": "$\\times$", "–": "--" };
  const escaped = (value) => value.replace(/[\\~^±×–]|[&%$#_{}]/g, (sign) => signs[sign] ?? `\\${sign}`);
  const line = (row) => `${row.map(escaped).join(" & ")} \\\\\n`;
  const columns = `l${"r".repeat(Math.max(0, head.length - 1))}`;
  return `% needs \\usepackage{booktabs}\n\\begin{tabular}{${columns}}\n\\toprule\n${line(head)}\\midrule\n`
    + `${rows.map(line).join("")}\\bottomrule\n\\end{tabular}\n`;
}
