"""The report of a made-up run: its arithmetic, its HTML, and what a browser makes of it."""

import base64
import html
import io
import itertools
import json
import re

import numpy as np
import pytest
from pages import (
    HOSTILE,
    WIDTHS,
    Elements,
    needs_axe,
    needs_browser,
    rendered,
    told_by,
    violations,
    write_lines,
)
from PIL import Image

from genlab.errors import InputError
from genlab.plots.grid import enlarge, save_png
from genlab.reporting.charts import chart_groups, decimate
from genlab.reporting.pictures import shot, within
from genlab.reporting.report import write_report
from genlab.reporting.run import (
    MAX_PICTURES,
    Curve,
    planned_steps,
    read_metrics,
    read_run,
    thin,
)
from genlab.reporting.units import axis_name, unit_of

STEPS = 30


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A finished run of two players, killed once and resumed, with 30 sample grids."""
    folder = tmp_path_factory.mktemp("runs") / "ring & <b>"
    folder.mkdir()
    record = {
        "config": {
            "experiment": {"name": "gan", "note": HOSTILE},
            "data": {"name": "ring"},
            "optimizer": {"critic": {"learning_rate": 0.0001}},
            "train": {"steps": 3000},
            "seed": 5,
            "init_from": "a_word_that_no_phone_can_break_by_itself" * 4,
            HOSTILE: HOSTILE,
        },
        "overrides": {"optimizer.critic.learning_rate": 0.0001},
        "versions": {"jax": "0.10.2"},
        "git": None,
        "devices": ["cpu", "cpu"],
        "command": "python launch.py --config=configs/ring.py " + HOSTILE,
        "parameters": {
            f"{player}/{'a_module_with_a_long_name_' * 4}/{leaf}": {
                "shape": [count],
                "dtype": "float32",
                "count": count,
            }
            for player, sizes in {"generator": (70, 30), "critic": (1200, 34)}.items()
            for leaf, count in zip(("kernel", "bias"), sizes, strict=True)
        },
    }
    (folder / "config.json").write_text(json.dumps(record))
    rows = [
        {
            "step": step,
            "split": "train",
            "values": {
                "generator/loss": 4.0 - step / 1000,
                "generator/gradient_norm": 10.0 ** (step / 1000),
                "critic/loss": None if step == 500 else -step / 3000,
                "critic/real": 0.5,
                "critic/fake": 0.25,
                f"critic/{HOSTILE}": 1.0,
            },
        }
        for step in range(1, 3001)
    ]
    rows.append({"step": 3000, "split": "validation", "values": {"generator/loss": 2}})
    rows.append({"step": 3000, "split": "time", "values": {"steps_per_second": 90.5}})
    write_lines(folder / "metrics.jsonl", *rows, tail='{"step": 3001, "split": "tr')
    protocol = {"num_samples": 10000, "note": HOSTILE}
    values = {"modes_covered": 8, "share": 0.98765432, "a": 1, "b": 2, "c": 3.25}
    intervals = {"share": [0.975, 0.995], "a": ["low", None]}
    metric = {"values": values, "intervals": intervals, "protocol": protocol}
    (folder / "results.json").write_text(
        json.dumps({"step": 3000, "metrics": {"mode_coverage": metric}})
    )
    rng = np.random.default_rng(0)
    for i in range(1, STEPS + 1):
        picture = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
        save_png(folder / f"samples/samples-{100 * i:08d}.png", picture)
    save_png(folder / "samples/manifold-00003000.png", picture)
    return folder


@pytest.fixture(scope="module")
def page(workdir):
    return write_report(workdir).read_text(encoding="utf-8")


def test_the_page_loads_nothing_from_outside(page):
    elements = Elements(page)
    for tag, attributes in elements.tags:
        for name in ("src", "href", "action", "srcset", "poster", "data"):
            target = attributes.get(name) or "#"
            assert target.startswith(("#", "data:image/png;base64,")), (tag, target)
        assert tag not in ("link", "iframe", "object", "embed", "base")
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    assert "url(" not in style and "@import" not in style
    policy = elements.all("meta")[1]["content"]
    assert "default-src 'none'" in policy and "img-src data:;" in policy


def test_the_page_escapes_every_name(page):
    elements = Elements(page)
    assert len(elements.all("script")) == 2  # the data and the page's own
    assert not any(name.startswith("on") for _, a in elements.tags for name in a)
    assert not elements.all("b")
    assert "<" not in re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1]
    # A key of the config, a protocol, the command, a metric; the config's values are JSON.
    assert elements.text.count(HOSTILE) == 4
    assert elements.text.count(json.dumps(HOSTILE)) == 2
    assert html.escape("ring & <b>") in page


def test_the_page_has_headings_in_order_and_pictures_with_words(page):
    elements = Elements(page)
    levels = [int(tag[1]) for tag, _ in elements.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    alts = [image["alt"] for image in elements.all("img")]
    assert alts[0] == "samples after 3,000 rounds"
    assert all(alts)


def test_the_page_says_what_was_run_and_measured(page):
    text = Elements(page).text
    for words in ("Finished", "3,000 of 3,000 rounds", "1,334", "2 × cpu", "0.98765"):
        assert words in text
    for words in ("num samples10,000", "generator100", "critic1,234", "overridden"):
        assert words in text
    assert text.count("overridden") == 1
    # The interval beside its value, and a fifth value among the small ones.
    assert "0.987650.975 to 0.995" in re.sub(r"\s*0.975", "0.975", text)
    assert "c3.25" in text and "low" not in text


def test_each_picture_is_embedded_once_and_at_most_24_of_a_plot(workdir, page):
    sources = [image["src"] for image in Elements(page).all("img")]
    assert len(sources) == MAX_PICTURES + 1
    newest = (workdir / "samples/samples-00003000.png").read_bytes()
    first = (workdir / "samples/samples-00000100.png").read_bytes()
    encoded = [base64.b64encode(file).decode() for file in (newest, first)]
    assert [source.endswith(encoded[0]) for source in sources].index(True) == 0
    assert page.count(encoded[1]) == 1


def test_a_curve_of_the_page_has_at_most_1000_points(page):
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1]
    charts = json.loads(data)
    assert max(len(s["steps"]) for chart in charts for s in chart["series"]) == 1000
    loss = next(s for s in charts[0]["series"] if s["split"] == "train")
    assert (loss["steps"][0], loss["values"][0]) == (1, 3.999)
    assert (loss["steps"][-1], loss["values"][-1]) == (3000, 1.0)
    broken = [s["broken"] for chart in charts for s in chart["series"] if s["broken"]]
    assert broken == [[500]]


def test_a_young_run_has_a_page_too(tmp_path):
    (tmp_path / "config.json").write_text('{"config": {"train": {"steps": 9}}}')
    text = Elements(write_report(tmp_path).read_text()).text
    assert "Not finished" in text and "0 of 9 rounds" in text
    assert text.count("yet:") == 3  # no results, no pictures, no metrics


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (None, None, "no config.json"),
        ("config.json", "{", "not JSON"),
        ("config.json", "[]", "under 'config'"),
        ("config.json", "{}", "under 'config'"),
    ],
)
def test_a_folder_that_is_no_run_is_refused_in_one_line(tmp_path, name, content, told):
    if name:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as error:
        write_report(tmp_path)
    assert told in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "report.html").exists()


def test_metrics_of_a_resumed_run_count_once(tmp_path):
    rows = [
        {"step": step, "split": "train", "values": {"vae/loss": value, "rate": 1}}
        for step, value in ((1, 10.0), (2, 20.0), (3, None), (2, 22.0))
    ]
    path = tmp_path / "metrics.jsonl"
    write_lines(path, *rows, tail='{"step": 4, "sp{"step": 5}\n{"step": 6')
    (loss, rate), unreadable = read_metrics(path)
    assert loss == Curve("vae", "loss", "train", [1, 2], [10.0, 22.0], [3])
    assert (rate.player, rate.term, rate.steps) == ("", "rate", [1, 2, 3])
    assert unreadable == 2


def test_the_last_step_is_known_without_metrics(tmp_path):
    (tmp_path / "config.json").write_text('{"config": {}}')
    save_png(tmp_path / "samples/a-b-00000040.png", np.zeros((2, 2, 3), np.uint8))
    run = read_run(tmp_path)
    assert run.step == 40 and list(run.pictures) == ["a-b"]
    assert run.planned_steps is None


def test_decimation_keeps_ends_and_every_spike():
    values = np.random.default_rng(0).normal(size=123_457)
    values[[777, 99_999]] = 50, -50
    steps, kept = decimate(list(range(0, 246_914, 2)), values.tolist())
    assert len(steps) <= 1000 and steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (0, 246_912)
    assert (max(kept), min(kept)) == (50, -50)
    np.testing.assert_array_equal(kept, values[np.array(steps) // 2])


def test_decimation_leaves_a_short_curve_alone():
    assert decimate([1, 2, 5], [3.0, 2.0, 1.0]) == ([1, 2, 5], [3.0, 2.0, 1.0])


def test_thinning_spreads_evenly_with_both_ends():
    assert thin(list(range(9)), most=5) == [0, 2, 4, 6, 8]
    assert thin([1, 2], most=5) == [1, 2]


def test_related_terms_share_a_chart():
    terms = {
        "a": ["gradient_norm", "kl/0", "kl/1", "real_logits", "fake_logits"],
        "b": ["cycle_a", "cycle_b"],
    }
    terms["a"] += ["accuracy", "loss", "update_norm"]
    curves = [
        Curve(player, term, "train", [1], [1.0], [])
        for player, names in terms.items()
        for term in names
    ]
    # Held-out values carry no player: a's accuracy is known, whose loss it is would be a guess.
    curves.append(Curve("", "accuracy", "validation", [1], [1.0], []))
    curves.append(Curve("b", "loss", "train", [1], [1.0], []))
    curves.append(Curve("", "loss", "validation", [1], [1.0], []))
    curves.append(Curve("", "steps_per_second", "time", [1], [1.0], []))
    charts = {
        heading: {c["title"]: [s["name"] for s in c["series"]] for c in group}
        for heading, group in chart_groups(curves).items()
    }
    assert list(charts) == ["a", "b", "", "time"]
    assert charts["a"] == {
        "loss": ["loss"],
        "kl": ["kl/0", "kl/1"],
        "real logits, fake logits": ["real_logits", "fake_logits"],
        "accuracy": ["accuracy", "accuracy"],
        "norms": ["gradient_norm", "update_norm"],
    }
    order = ["loss", "kl", "real logits, fake logits", "accuracy", "norms"]
    assert list(charts["a"]) == order
    assert list(charts["b"].values()) == [["loss"], ["cycle_a", "cycle_b"]]
    assert charts[""] == {"loss": ["loss"]}


@needs_browser
def test_a_browser_draws_the_page_under_its_own_policy(workdir, page, tmp_path):
    dom = rendered(workdir / "report.html", tmp_path)
    elements = Elements(dom)
    assert elements.all("html")[0].get("data-ready") == "true"
    assert "<title>ring &amp; &lt;b&gt;" in dom  # no name from the run set another
    charts = [article for article in elements.all("article") if "data-chart" in article]
    paths = [path for path in elements.all("path") if path["class"].startswith("line")]
    assert len(charts) == 6  # generator 2: loss, norms; critic 3; time 1
    assert sum("raw" in path["class"] for path in paths) == 6
    assert all(path["d"].startswith("M") and "NaN" not in path["d"] for path in paths)
    assert sum("broken" in line["class"] for line in elements.all("line")) == 1
    frames = [item for item in elements.all("li") if "data-step" in item]
    assert [f["data-step"] for f in frames if "hidden" not in f] == ["3000", "3000"]


# Runs inside a copy of the page: uses its controls and tells the outer page what happened.
PROBE = """
<script>
const told = { errors: window.failures, ready: document.documentElement.dataset.ready };
const svg = document.querySelector('[data-chart="0"] svg');
const line = () => document.querySelector('[data-chart="0"] path.train').getAttribute("d");
const set = (input, value) => {
  input.value = value;
  input.dispatchEvent(new Event("input"));
};
const press = (key) => svg.dispatchEvent(new KeyboardEvent("keydown", { key }));
const value = () => document.querySelector('[data-chart="0"] .legend b').textContent;
told.last = value();
press("Home");
told.first = value();
press("ArrowRight");
told.round = document.querySelector('[data-chart="0"] header output').textContent;
press("Escape");
set(document.querySelector(".tools [name=smoothing]"), 0);
const unsmoothed = line();
told.raw = document.querySelectorAll("path.raw").length;
document.querySelector('[data-chart="0"] header button').click();
told.log = line() !== unsmoothed;
set(document.querySelector(".film input"), 0);
told.shown = document.querySelector(".film li:not([hidden])").dataset.step;
document.querySelectorAll(".film .strip button")[1].click();
told.thumb = document.querySelector(".film input").value;
document.querySelectorAll("details").forEach((details) => { details.open = true; });
told.width = innerWidth;
told.overflow = document.documentElement.scrollWidth - innerWidth;
told.unnamed = [...document.querySelectorAll("button, input")].filter(
  (c) => !(c.textContent || c.ariaLabel || c.labels?.[0]?.textContent)).length;
told.stills = document.querySelectorAll("[data-chart] .still").length;
const files = [];
HTMLAnchorElement.prototype.click = function () { files.push(this.download); };
const blobs = [];
URL.createObjectURL = (blob) => { blobs.push(blob); return "#"; };
for (const kind of ["SVG", "PNG", "CSV", "LaTeX"]) {
  document.querySelector(`[aria-label="Save critic real, fake as ${kind}"]`).click();
}
document.querySelector('[aria-label="Save mode_coverage as LaTeX"]').click();
const wait = () => {
  if (blobs.length < 5) return setTimeout(wait, 10);
  const last = blobs.map((blob) => [blob.type, blob.size]);
  Promise.all(blobs.map((blob) => blob.text())).then((texts) => {
    told.files = Object.fromEntries(files.map((name, i) => [name, [...last[i], texts[i]]]));
    parent.postMessage(told, "*");
  });
};
wait();
</script>
"""


@needs_browser
def test_controls_work_and_nothing_overflows_at_any_width(page, tmp_path):
    for note in told_by(page, PROBE, tmp_path):
        assert (note["last"], note["first"]) == ("1", "3.999")
        assert note["round"].startswith("rounds ") and note["round"] != "rounds 1"
        assert note["raw"] == 0 and note["log"]
        assert (note["shown"], note["thumb"]) == ("100", "1")
        assert note["unnamed"] == 0 and note["stills"] == 0
        assert_saved(note["files"])


def assert_saved(files):
    """A chart in every format, as on paper; a table as LaTeX that LaTeX reads."""
    stem = "ring-b-critic-real-fake"
    (kind, size, _), svg = files[f"{stem}.png"], files[f"{stem}.svg"][2]
    assert kind == "image/png" and size > 5000
    assert svg.startswith("<svg") and "#fff" in svg and ">fake</text>" in svg
    assert "var(" not in svg and "class=" not in svg and ">rounds</text>" in svg
    rows = files[f"{stem}.csv"][2].splitlines()
    assert rows[:2] == ['name,split,rounds,"real, fake",low,high', "real,train,1,0.5,,"]
    assert "fake & train & 0.25 &" in files[f"{stem}.tex"][2]
    table = files["ring-b-mode-coverage.tex"][2]
    assert r"modes covered & 8 &  &  \\" in table and r"\toprule" in table
    assert "share & 0.98765 & 0.975 & 0.995" in table


def test_the_rounds_of_a_run_are_those_of_all_its_stages():
    config = {
        **{name: {} for name in ("data", "log", "eval", "sample", "checkpoint")},
        "train": {"steps": 30},
        "stages": [{"name": "pretraining", "train": {"steps": 12}}],
    }
    assert planned_steps(config) == 42
    assert planned_steps({"train": {"steps": 9}}) == 9
    assert planned_steps({}) is None and planned_steps({"train": 3}) is None


@pytest.mark.full
@needs_axe
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_wrong(page, tmp_path, dark):
    assert violations(page, tmp_path, dark=dark) == [[]] * len(WIDTHS)


def test_a_value_comes_first_with_its_interval(workdir, tmp_path):
    """What the config calls best, or else the first value of a metric that the config chose."""
    text = Elements(write_report(workdir).read_text()).text
    assert "modes covered on" not in text  # nothing says on which split
    record = {"config": {"eval": {"best": "-quality/share", "final_split": "test"}}}
    values = {"values": {"modes": 8, "share": 0.5}, "intervals": {"share": [0.4, 0.6]}}
    metrics = {"held_out": {"values": {"kl": 1.0}}, "quality": values}
    (tmp_path / "results.json").write_text(json.dumps({"step": 9, "metrics": metrics}))
    for best, told in (
        ("-quality/share", "share on test 0.5 95 % interval 0.4 to 0.6 over"),
        ("kl", "kl on test 1 nats, no interval known"),
        ("", "modes on test 8 no interval known"),
    ):
        record["config"]["eval"]["best"] = best
        (tmp_path / "config.json").write_text(json.dumps(record))
        text = " ".join(Elements(write_report(tmp_path).read_text()).text.split())
        assert told in text


def test_shares_of_classes_are_bars_with_their_names(tmp_path):
    facts = {"class_names": ["cat", "dog", "owl", "emu"]}
    record = {"config": {}, "data": {"facts": facts}}
    (tmp_path / "config.json").write_text(json.dumps(record))
    shares = {"share_0": 0.1, "share_1": 0.2, "share_2": 0.5, "share_3": 0.2}
    values = {"smallest_share": 0.1, **shares, "kl_0": 1.0, "kl_1": 2.0, "kl_2": 3.0}
    metric = {"values": values, "intervals": {"share_2": [0.6, 0.8]}}
    (tmp_path / "results.json").write_text(
        json.dumps({"step": 1, "metrics": {"coverage": metric}})
    )
    page = Elements(write_report(tmp_path).read_text())
    bars = [rect for rect in page.all("rect") if rect["class"] == "bar"]
    heights = np.array([float(bar["height"]) for bar in bars])
    np.testing.assert_allclose(heights / heights[0], [1, 2, 5, 2], rtol=0.01)
    assert sum(line["class"] == "whisker" for line in page.all("line")) == 1
    assert "share of each class" in page.text
    assert all(name in page.text for name in facts["class_names"])
    assert "kl of each" not in page.text, "few stand among the others, as everywhere"
    facts["class_names"] = [""] * 4  # of a damaged file
    (tmp_path / "config.json").write_text(json.dumps(record))
    assert "share of each class" in write_report(tmp_path).read_text()


def test_dates_durations_and_operations_are_told(tmp_path):
    began = {"config": {}, "began": "2026-11-26T05:53:15+00:00"}
    (tmp_path / "config.json").write_text(json.dumps(began))
    measured = {"step": 30, "measured": "2026-11-26T06:00:00+00:00", "metrics": {}}
    (tmp_path / "results.json").write_text(json.dumps(measured))
    speeds = {10: 1.0, 20: 0.5, 30: 0.1}  # 10 + 20 + 100 seconds
    work = {
        "share_of_peak": 0.12,
        "data_stall_share": 0.05,
        "gigaflops_per_second": 0.2,
    }
    write_lines(
        tmp_path / "metrics.jsonl",
        *(
            {"step": step, "split": "time", "values": {"rounds_per_second": speed}}
            for step, speed in speeds.items()
        ),
        {"step": 30, "split": "time", "values": work},
    )
    text = Elements(write_report(tmp_path).read_text()).text
    assert "2 GFLOP a round, 0.2 GFLOP/s, 12.0% of the devices' peak" in text
    assert "waits for data 5.0% of the time at most" in text
    for told in ("2026-11-26 05:53 UTC", "2026-11-26 06:00 UTC", "2 min 10 s"):
        assert told in text


def test_every_chart_names_its_axes_and_stands_without_a_script(page):
    charts = [a for a in Elements(page).all("article") if "data-chart" in a]
    stills = [svg for svg in Elements(page).all("svg") if svg["class"] == "still"]
    assert len(stills) == len(charts) == 6
    names = {svg["aria-label"] for svg in stills}
    assert "norms: norms (L2 norm) over rounds" in names
    assert "steps per second: steps per second over rounds" in names
    paths = [path["d"] for path in Elements(page).all("path")]
    assert paths and not any("nan" in path for path in paths)


def test_units_are_those_of_the_names():
    known = {
        "kl": "nats",
        "posterior/kl_3": "nats",
        "negative_elbo": "nats",
        "cross_entropy": "nats",
        "psnr_input": "dB",
        "largest_angle": "degrees",
        "gradient_norm": "L2 norm",
        "accuracy": "share",
        "smallest_share": "",  # which its name says
        "loss": "",
        "fake": "",
    }
    assert {name: unit_of(name) for name in known} == known
    assert unit_of("loss", ["loss", "kl"]) == "nats"
    assert axis_name("loss", ["loss"], ["kl"]) == "loss (nats)"


def test_pictures_are_as_small_as_they_were_before_they_were_enlarged(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 6, 3)).astype(np.uint8)
    for name, picture in (("color", pixels), ("gray", pixels[..., :1].repeat(3, 2))):
        save_png(tmp_path / f"{name}.png", enlarge(picture, side=80))
        found = shot(5, tmp_path / f"{name}.png")
        assert (found.width, found.height, found.coarse) == (6, 8, True)
        inside = Image.open(io.BytesIO(base64.b64decode(found.file))).convert("RGB")
        np.testing.assert_array_equal(np.asarray(inside), picture)
    assert within([3, 1, 2, 9, 4], 8, lambda size: size) == [3, 4]
    assert within([3, 9], 5, lambda size: size) == [9]
