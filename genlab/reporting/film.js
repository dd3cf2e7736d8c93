// The pictures of one plot as a film: a slider, a play button and a strip of all steps.

function film(card) {
  const frames = [...card.querySelectorAll(".frames li")].reverse();
  card.querySelector(".frames").removeAttribute("tabindex");
  if (frames.length < 2) return;
  const last = frames.length - 1;
  const title = card.querySelector("h3").textContent;
  const slider = make("input", {
    type: "range", min: 0, max: last, step: 1, value: last, "aria-label": `${title}: step`,
  });
  const play = make("button", { type: "button", "aria-pressed": "false" }, "Play");
  const strip = make("div", { class: "strip" });
  const thumbs = frames.map((frame, index) => {
    const image = make("img", { alt: "", loading: "lazy" });
    image.src = frame.querySelector("img").src;
    const step = count.format(frame.dataset.step);
    const thumb = make("button", { type: "button", "aria-label": `after ${step} rounds` }, image);
    thumb.addEventListener("click", () => { stop(); show(index); });
    return thumb;
  });
  strip.append(...thumbs);
  let timer = null;

  function show(index) {
    frames.forEach((frame, i) => { frame.hidden = i !== index; });
    thumbs.forEach((thumb, i) => thumb.setAttribute("aria-current", i === index));
    slider.value = index;
    const step = count.format(frames[index].dataset.step);
    slider.setAttribute("aria-valuetext", `after ${step} rounds`);
    const thumb = thumbs[index];
    strip.scrollLeft = thumb.offsetLeft - strip.offsetLeft - (strip.clientWidth - thumb.offsetWidth) / 2;
    card.dispatchEvent(new Event("shown"));
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  }

  play.addEventListener("click", () => {
    if (timer !== null) return stop();
    play.textContent = "Stop";
    play.setAttribute("aria-pressed", "true");
    if (Number(slider.value) === last) show(0);
    timer = setInterval(() => {
      const next = Number(slider.value) + 1;
      show(next);
      if (next === last) stop();
    }, 350);
  });
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  card.append(make("div", { class: "seek" }, play, slider), strip);
  show(last);
}
