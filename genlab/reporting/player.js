// The melodies of a picture, heard: which of them, and a button.

const SIXTEENTH = 0.125; // seconds, at 120 quarters a minute

function player(card) {
  if (!card.querySelector("[data-tunes]")) return;
  const title = card.querySelector("h3").textContent;
  const choice = make("select", { "aria-label": `${title}: melody` });
  const button = make("button", { type: "button", "aria-label": `${title}: listen` });
  let tunes = [];
  let sound = null;
  let timer = null;

  function offer() {
    stop();
    const index = choice.selectedIndex;
    tunes = JSON.parse(card.querySelector(".frames li:not([hidden])").dataset.tunes ?? "[]");
    choice.replaceChildren(...tunes.map(([name], i) => make("option", { value: i }, name)));
    choice.selectedIndex = Math.min(Math.max(index, 0), tunes.length - 1);
    choice.disabled = button.disabled = !tunes.length;
  }

  function stop() {
    clearTimeout(timer);
    sound?.close();
    sound = null;
    button.textContent = "Listen";
    button.setAttribute("aria-pressed", "false");
  }

  function start() {
    const [, length, notes] = tunes[choice.selectedIndex];
    sound = new AudioContext();
    const begin = sound.currentTime + 0.05;
    for (const [onset, held, pitch] of notes) {
      play(sound, begin + onset * SIXTEENTH, held * SIXTEENTH, pitch);
    }
    button.textContent = "Stop";
    button.setAttribute("aria-pressed", "true");
    timer = setTimeout(stop, 1000 * length * SIXTEENTH + 200);
  }

  button.addEventListener("click", () => { if (sound) stop(); else start(); });
  choice.addEventListener("change", stop);
  card.addEventListener("shown", offer);
  card.append(make("div", { class: "tune" }, choice, button));
  offer();
}

// One note: a soft tone that neither begins nor ends with a click.
function play(sound, begin, seconds, pitch) {
  const tone = sound.createOscillator();
  const volume = sound.createGain();
  tone.type = "triangle";
  tone.frequency.value = 440 * 2 ** ((pitch - 69) / 12);
  volume.gain.setValueAtTime(0, begin);
  volume.gain.linearRampToValueAtTime(0.25, begin + 0.01);
  volume.gain.setValueAtTime(0.25, begin + seconds - 0.03);
  volume.gain.linearRampToValueAtTime(0, begin + seconds);
  tone.connect(volume).connect(sound.destination);
  tone.start(begin);
  tone.stop(begin + seconds);
}
