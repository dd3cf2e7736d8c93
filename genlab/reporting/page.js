// What happens when the page opens.

function curves() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const tools = document.querySelector(".tools");
  if (!tools) return;
  const { log, smoothing } = tools.elements;
  const weight = () => Number(smoothing.value);
  const charts = data.map((chart, i) => new Chart(document.querySelector(`[data-chart="${i}"]`), chart, i, weight()));
  tools.hidden = false;
  tools.addEventListener("submit", (event) => event.preventDefault());
  log.addEventListener("change", () => charts.forEach((chart) => chart.set({ log: log.checked })));
  smoothing.addEventListener("input", () => {
    tools.querySelector("output").textContent = spoken(weight());
    charts.forEach((chart) => chart.set({ smoothing: weight() }));
  });
  const render = () => charts.forEach((chart) => chart.render());
  render();
  redrawn(render);
}

document.documentElement.classList.add("scripted");
document.querySelectorAll(".film").forEach(film);
document.querySelectorAll(".film").forEach(player);
curves();
document.querySelectorAll("[data-save]").forEach((card) => savable(card, card.dataset.save));
document.documentElement.dataset.ready = "true";
