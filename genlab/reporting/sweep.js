// What happens when the page of a sweep opens.

// The value that the whole page looks at, and which of its ends comes first.
function look(board) {
  const form = document.getElementById("look");
  const { value, maximize } = form.elements;
  board.data.values.forEach(({ label }, i) => value.append(make("option", { value: i }, label)));
  maximize.value = board.maximize ? "1" : "";
  form.hidden = board.value === null;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => {
    board.choose({ value: Number(value.value), maximize: maximize.value === "1" });
  });
  const output = form.querySelector("output");
  return { render() {}, highlight(trials) { output.textContent = board.describe(trials); } };
}

// Blocks that were made for each value: only the chosen one's is shown.
function blocks(board) {
  return {
    render() {
      const all = [...document.querySelectorAll(".of-value")];
      for (const section of new Set(all.map((block) => block.parentNode))) {
        const own = all.filter((block) => block.parentNode === section);
        const found = own.some((block) => block.dataset.of === String(board.value));
        for (const block of own) {
          block.hidden = block.dataset.of !== (found ? String(board.value) : "other");
        }
      }
    },
  };
}

function sweep(data) {
  const board = new Board(data);
  const part = (id) => document.getElementById(id);
  board.views.push(look(board), blocks(board));
  if (data.trials.length) board.views.push(new Trials(board, part("table"), document.querySelector(".command")));
  if (data.knobs.length) board.views.push(new Parallel(board, part("parallel")));
  if (data.heat) board.views.push(new Heat(board, part("heat")));
  if (data.values.length) {
    board.views.push(new Scatter(board, part("scatter")));
    if (part("progress")) board.views.push(new Progress(board, part("progress")));
  }
  if (data.charts.length) board.views.push(new Learning(board, part("curves")));
  board.render();
  for (const figure of document.querySelectorAll(".gallery figure")) {
    figure.addEventListener("pointerenter", () => board.point([Number(figure.dataset.trial)]));
    figure.addEventListener("pointerleave", () => board.point(null));
  }
  redrawn(() => board.render());
}

document.documentElement.classList.add("scripted");
document.querySelectorAll("[data-save]").forEach((card) => savable(card, card.dataset.save));
sweep(JSON.parse(document.getElementById("data").textContent));
document.documentElement.dataset.ready = "true";
