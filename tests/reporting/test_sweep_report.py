"""The report of a made-up sweep: its arithmetic, its HTML, and what a browser makes of it."""

import dataclasses
import html
import io
import itertools
import json
import math
import os
import re
import shlex

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
from genlab.plots.grid import save_png
from genlab.reporting import still
from genlab.reporting.colors import color
from genlab.reporting.gallery import MAX_SIDE, MAX_THUMBNAILS, plot_names, thumbnails
from genlab.reporting.importance import importances
from genlab.reporting.knobs import Knob, axis_kind, differing_knobs, short_labels
from genlab.reporting.learning import (
    LEAST_POINTS,
    band,
    best_so_far,
    learning_charts,
    schedule_charts,
    seed_groups,
)
from genlab.reporting.report import write_report, write_sweep_report
from genlab.reporting.sweep import read_sweep
from genlab.reporting.sweep_data import heat_map, page_data, scatter_pair
from genlab.run.folder import locked

STEPS = 400
RATE, BETA = "optimizer.vae.learning_rate", "objective.beta"


def manifest(folder, overrides, **changes):
    record = {
        "command": "python launch.py sweep --config=configs/vae.py " + HOSTILE,
        "config": "configs/vae.py",
        "common": {"train.steps": str(STEPS)},
        "engine": "population",
        "sweep": "",
        "target": "negative_elbo",
        "sampler": "",
        "pruner": "none",
        "trials": [{"name": name, "overrides": o} for name, o in overrides.items()],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sweep.json").write_text(json.dumps({**record, **changes}))
    return folder


def begin(folder, loss, *, steps=STEPS):
    """A trial that trained `steps` rounds, its loss falling to `loss`."""
    folder.mkdir(parents=True)
    config = {"train": {"steps": STEPS}, "eval": {"best": "-share"}}
    (folder / "config.json").write_text(json.dumps({"config": config}))
    rows = [
        {
            "step": step,
            "split": "train",
            "values": {"vae/loss": loss + STEPS - step, f"vae/{HOSTILE}": 1.0},
        }
        for step in range(100, steps + 1, 100)
    ]
    write_lines(folder / "metrics.jsonl", *rows, tail='{"step": 401, "spl')


def finish(folder, loss, *, side=8):
    begin(folder, loss)
    values = {"negative_elbo": loss, "kl": 10.0 - loss, "reconstruction": 2 * loss}
    metrics = {"held_out": {"values": values, "protocol": {}}}
    metrics["mode_coverage"] = {"values": {"share": None}, "protocol": {}}
    record = json.dumps({"step": STEPS, "metrics": metrics})
    (folder / "results.json").write_text(record)
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 3))
    save_png(folder / f"samples/samples-{STEPS:08d}.png", picture.astype(np.uint8))
    save_png(folder / "samples/samples-00000100.png", np.zeros((4, 4, 3), np.uint8))


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A grid of two knobs by two seeds, all finished, and five trials that came to less."""
    folder = tmp_path_factory.mktemp("sweeps") / "grid & <b>"
    trials = {}
    for i, (beta, rate, seed) in enumerate(
        itertools.product((0.5, 2.0), ("1e-4", "0.01"), (0, 1))
    ):
        trials[f"{i:012x}"] = {BETA: beta, RATE: rate, "seed": seed}
        finish(folder / f"{i:012x}", 1.0 + i)
    shared = {BETA: 2.0, RATE: "0.01"}
    trials |= {
        name: {**shared, "seed": seed}
        for seed, name in enumerate(("failed", "pruned", "cut", "torn", "waiting"), 2)
    }
    for name in ("failed", "pruned", "cut", "torn"):
        begin(folder / name, 50.0, steps=200)
    (folder / "failed/failed.txt").write_text("step 201: 'loss' is nan " + HOSTILE)
    pruned = {"step": 200, "target": "negative_elbo", "value": 31.25}
    (folder / "pruned/pruned.json").write_text(json.dumps(pruned))
    (folder / "torn/results.json").write_text('{"step": 400, "metr')
    (folder / "torn/samples").mkdir()
    (folder / "torn/samples/samples-00000200.png").write_bytes(b"\x89PNG cut")
    copies = [{"step": 200, "from": "0", "knobs": {BETA: 1.25, RATE: 0.008}}]
    (folder / "000000000001/evolution.json").write_text(json.dumps(copies))
    return manifest(folder, trials)


@pytest.fixture(scope="module")
def read(sweep):
    return read_sweep(sweep)


@pytest.fixture(scope="module")
def knobs(read):
    return differing_knobs([trial.overrides for trial in read.trials])


@pytest.fixture(scope="module")
def page(sweep):
    return write_report(sweep).read_text(encoding="utf-8")


def test_every_trial_has_its_state(read):
    states = {trial.name: (trial.state, trial.note) for trial in read.trials[8:]}
    assert states == {
        "failed": ("failed", "step 201: 'loss' is nan " + HOSTILE),
        "pruned": ("pruned", "after 200 rounds, at negative_elbo = 31.25"),
        "cut": ("stopped", ""),
        "torn": ("stopped", ""),
        "waiting": ("waiting", ""),
    }
    counts = {"finished": 8, "waiting": 1, "stopped": 2, "pruned": 1, "failed": 1}
    assert read.counts == counts
    assert read.trials[0].values["kl"] == 9.0
    assert math.isnan(read.trials[0].values["mode_coverage/share"])
    assert (read.trials[0].step, read.trials[8].step) == (400, 200)


def test_the_best_come_first_and_what_has_no_value_last(read, sweep, tmp_path):
    assert read.ranked() == list(range(13))
    names = [trial.name for trial in read.trials[:3]]
    upward = manifest(
        tmp_path / "up", {name: {} for name in ("none", *names)}, target="-kl"
    )
    for name in names:
        (upward / name).symlink_to(sweep / name)
    assert read_sweep(upward).ranked() == [1, 2, 3, 0]
    manifest(upward, {name: {} for name in names}, target="-negative_elbo")
    assert read_sweep(upward).ranked() == [2, 1, 0]


def evaluate(folder, *values, split="validation"):
    """Evaluations of the target in the trial's log, the last after its last round."""
    config = {"train": {"steps": STEPS}, "eval": {"best": "", "split": split}}
    (folder / "config.json").write_text(json.dumps({"config": config}))
    steps = range(STEPS - 100 * (len(values) - 1), STEPS + 1, 100)
    rows = [
        {"step": step, "split": split, "values": {"negative_elbo": value}}
        for step, value in zip(steps, values, strict=True)
    ]
    with (folder / "metrics.jsonl").open("a") as file:
        file.write("\n" + "".join(json.dumps(row) + "\n" for row in rows))


def test_the_best_is_so_by_its_last_evaluation_and_reported_by_its_results(tmp_path):
    folder = manifest(tmp_path / "s", {name: {"seed": name} for name in "abcd"})
    values = {"a": (1.0, 7.0), "b": (9.0, 5.0), "c": (6.0,), "d": (4.0, None)}
    for loss, (name, evaluations) in enumerate(values.items(), 1):
        finish(folder / name, float(loss))
        evaluate(folder / name, *evaluations)
    found = read_sweep(folder)
    assert (found.target, found.evaluated) == ("negative_elbo on validation", True)
    assert [found.trials[index].name for index in found.ranked()] == list("bcad")
    names = ["negative_elbo on validation", "negative_elbo", "kl", "reconstruction"]
    assert found.value_names[:4] == names
    assert found.trials[1].values["negative_elbo"] == 2.0
    assert math.isnan(found.trials[3].values[names[0]])
    page = Elements(write_report(folder).read_text())
    _, _, after = page.text.partition("The best trial by negative_elbo on validation")
    flags = "--config=configs/vae.py --config.train.steps=400 --config.seed=b"
    assert after.strip().startswith(f"genlab {flags}")
    rows = [row["data-trial"] for row in page.all("tr") if "data-trial" in row]
    assert rows == ["1", "2", "0", "3"]
    (folder / "a" / "metrics.jsonl").unlink()
    assert names[0] not in read_sweep(folder).trials[0].values


def test_results_alone_name_no_best(read, page):
    assert (read.target, read.evaluated) == ("negative_elbo", False)
    assert "The best trial" not in Elements(page).text


def test_who_writes_the_page_at_its_end_is_at_work_no_more(tmp_path):
    folder = manifest(tmp_path / "s", {"a": {}, "b": {}})
    for name in "ab":
        begin(folder / name, 1.0)
    with locked(folder), locked(folder / "b"):
        for asked, states in ((None, "2 running"), (False, "1 running, 1 stopped")):
            text = Elements(write_sweep_report(folder, locked=asked).read_text()).text
            assert f"2 trials: {states}" in text


def test_without_a_target_the_config_says_what_is_best(sweep, tmp_path):
    folder = manifest(tmp_path / "s", {"waiting": {}, "000000000001": {}}, target="")
    (folder / "000000000001").symlink_to(sweep / "000000000001")
    found = read_sweep(folder)
    assert (found.target, found.maximize) == ("share", True)


def test_a_trials_command_is_one_that_a_shell_splits_into_its_overrides(tmp_path):
    overrides = {"objective.name": "it's; $(x)", "model.hidden": [64, 32]}
    found = read_sweep(manifest(tmp_path, {"a": overrides}))
    assert shlex.split(found.command(found.trials[0])) == [
        "genlab",
        "--config=configs/vae.py",
        "--config.train.steps=400",
        "--config.objective.name=it's; $(x)",
        "--config.model.hidden=(64, 32)",
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "no sweep.json"),
        ("{", "not a sweep's manifest"),
        ({"trials": [{"name": "../a", "overrides": {}}]}, "which is no trial"),
        ({"trials": [{"name": "a", "overrides": []}]}, "which is no trial"),
    ],
)
def test_a_folder_that_is_no_sweep_is_refused_in_one_line(tmp_path, content, told):
    if isinstance(content, dict):
        manifest(tmp_path, {}, **content)
    elif content:
        (tmp_path / "sweep.json").write_text(content)
    with pytest.raises(InputError) as error:
        write_sweep_report(tmp_path)
    assert told in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "report.html").exists()


def test_knobs_are_what_differs_with_an_axis_of_their_kind():
    trials = [
        {"a.x": 0.25, "b.x": "1e-3", "c": "relu", "d": True, "e": 1, "seed": 0},
        {"a.x": 1, "b.x": 0.001, "c": "tanh", "d": False, "e": 1, "seed": 1},
        {"a.x": "8.0", "b.x": "2e-3", "c": "relu", "d": False, "e": 1, "f": 3},
    ]
    found = {knob.key: knob for knob in differing_knobs(trials)}
    assert list(found) == ["a.x", "b.x", "c", "d", "f"]
    assert found["a.x"] == Knob("a.x", "a.x", "log", (), (0.25, 1.0, 8.0))
    assert (found["b.x"].kind, found["b.x"].places) == ("linear", (0.001, 0.001, 0.002))
    assert (found["c"].levels, found["c"].places) == (("relu", "tanh"), (0, 1, 0))
    assert found["d"].kind == "category"  # True is no 1
    assert found["f"].places == (None, None, 3.0)


def test_an_axis_is_logarithmic_where_its_values_are():
    assert axis_kind([0.25, 0.5, 1, 2, 4, 8]) == "log"
    assert axis_kind([3e-4, 1e-3, 3e-3]) == "log"
    assert axis_kind([1, 25, 50, 75, 100]) == "linear"  # evenly spread
    assert axis_kind([1, 2, 3]) == "linear"  # less than a factor of 8
    assert axis_kind([0, 0.1, 1]) == axis_kind([-1, 1, 10]) == axis_kind([]) == "linear"
    assert axis_kind([20, 21, 22, 23, 1e9]) == "linear"  # one that diverged


def test_labels_are_as_short_as_they_can_be():
    keys = ["optimizer.vae.rate", "optimizer.critic.rate", "objective.beta", "rate"]
    assert short_labels(keys) == {
        "optimizer.vae.rate": "vae.rate",
        "optimizer.critic.rate": "critic.rate",
        "objective.beta": "beta",
        "rate": "rate",
    }


def test_a_band_is_the_range_of_two_and_the_standard_error_of_more():
    assert band([3.0, 1.0], several=False) == (1.0, 3.0)
    # Mean 2, deviations -1, 0, 1: variance 1, standard error 1 / sqrt(3).
    low, high = band([1.0, 2.0, 3.0], several=True)
    assert (low, high) == pytest.approx((2 - 3**-0.5, 2 + 3**-0.5))
    assert band([5.0], several=True) == (5.0, 5.0)


def test_seeds_join_to_their_mean_over_those_that_went_so_far(read, knobs):
    groups = seed_groups(read, knobs)
    assert [group.trials for group in groups] == [
        (0, 1),
        (2, 3),
        (4, 5),
        (6, 7, *range(8, 13)),
    ]
    charts = learning_charts(read, groups)
    loss = next(chart for chart in charts if chart["title"] == "vae/loss")
    pair, *_, many = loss["series"]
    assert pair["name"] == "beta 0.5, learning rate 0.0001 (2 seeds)"
    assert pair["steps"] == [100, 200, 300, 400]
    assert pair["values"] == [301.5, 201.5, 101.5, 1.5]
    assert (pair["low"][-1], pair["high"][-1]) == (1.0, 2.0)
    # Six began: 7 and 8 ended, four were cut at round 200 with a loss of 50 + 200.
    assert many["name"].endswith("(6 seeds)")
    assert many["values"][1] == pytest.approx((207 + 208 + 4 * 250) / 6, abs=1e-3)
    assert many["values"][-1] == 7.5


def test_seeds_have_intervals_and_differences(tmp_path):
    """Seeds reach 1 and 2: t of one degree of freedom is 12.706, the standard error a half."""
    trials = {
        f"{beta}{seed}": {"objective.beta": beta, "seed": seed}
        for beta in (1.0, 2.0)
        for seed in (0, 1)
    }
    folder = manifest(tmp_path / "s", trials)
    for kl, name in enumerate(trials, 1):
        finish(folder / name, float(kl))
    found = Elements(write_report(folder).read_text(encoding="utf-8")).text
    assert "2 of 2" in found and "-4.8531 to 7.8531" in found
    # Each of two seeds of another group is 2 more than that of the best.
    assert "+2, the same for 2 seeds" in found


def test_the_knobs_of_a_copy_jump_where_it_copied(read, knobs):
    beta, rate = schedule_charts(read, knobs, seed_groups(read, knobs))
    assert beta["title"].startswith("beta of members") and len(beta["series"]) == 1
    assert beta["series"][0]["steps"] == [0, 200, 200, 400]
    assert beta["series"][0]["values"] == [0.5, 0.5, 1.25, 1.25]
    assert rate["series"][0]["values"][-1] == 0.008


def test_many_curves_share_the_points_of_a_page(tmp_path, monkeypatch):
    monkeypatch.setattr("genlab.reporting.learning.ALL_POINTS", 100)
    folder = manifest(tmp_path, {"a": {}})
    (folder / "a").mkdir()
    rows = [
        {"step": step, "split": "train", "values": {f"v{i}": step for i in range(4)}}
        for step in range(1000)
    ]
    write_lines(folder / "a/metrics.jsonl", *rows)
    found = read_sweep(folder)
    charts = learning_charts(found, seed_groups(found, []))
    assert {len(chart["series"][0]["steps"]) for chart in charts} == {LEAST_POINTS}
    assert charts[0]["series"][0]["steps"][-1] == 999


def test_a_heat_map_needs_a_full_grid_of_two_knobs(knobs):
    beta, _ = knobs
    assert heat_map(knobs) == {
        "x": {"knob": 0, "places": [0.5, 2.0]},
        "y": {"knob": 1, "places": [1e-4, 0.01]},
    }
    assert heat_map([beta]) is None
    diagonal = Knob("d", "d", "linear", (), beta.places)
    assert heat_map([beta, diagonal]) is None


def test_distortion_is_drawn_against_rate_where_both_are_measured():
    assert scatter_pair(["negative_elbo", "reconstruction", "kl"]) == [2, 1]
    assert scatter_pair(["a", "b"]) == [0, 1] and scatter_pair(["a"]) is None


def knob(label, places):
    return Knob(label, label, "linear", (), tuple(places))


def test_importances_find_the_knob_that_matters():
    random = np.random.default_rng(0)
    used, unused = random.uniform(size=(2, 60))
    values = np.exp(20 * used)  # ranks do not mind
    values[3] = np.nan
    knobs = [knob("unused", unused), knob("used", used)]
    found = importances(knobs, values)
    assert found.count == 59 and list(found.knobs) == ["used", "unused"]
    assert found.explained > 0.9 and found.knobs["used"][0] > 1
    assert abs(found.knobs["unused"][0]) < 0.1
    assert importances(knobs, values) == found


def test_importances_say_when_there_is_nothing_to_find():
    random = np.random.default_rng(1)
    places, values = random.uniform(size=(2, 40))
    assert importances([knob("noise", places)], values).explained < 0.1


def test_importances_claim_nothing_of_few_trials_or_equal_ones():
    knobs = [knob("a", range(8))]
    assert importances(knobs, range(8)) is not None
    assert importances(knobs, [math.nan, *range(7)]) is None
    assert importances(knobs, [1.0] * 8) is None
    assert importances([], range(8)) is None


def test_thumbnails_are_small_and_evenly_chosen(tmp_path):
    names = [f"{i:02d}" for i in range(30)]
    folder = manifest(tmp_path, {name: {} for name in names})
    for name in names:
        begin(folder / name, 1.0)
        save_png(
            folder / name / "samples/samples-00000400.png",
            np.random.default_rng(0).integers(0, 256, (400, 300, 3)).astype(np.uint8),
        )
    found = read_sweep(folder)
    assert plot_names(found) == ["samples"]
    chosen = thumbnails(found, "samples", range(30))
    assert len(chosen) <= MAX_THUMBNAILS and {0, 29} <= set(chosen)
    assert {(shot.width, shot.height) for shot in chosen.values()} == {(288, MAX_SIDE)}
    assert list(thumbnails(found, "samples", range(30), 1_000_000)) == [0, 14, 29]
    assert list(thumbnails(found, "samples", range(30), 1)) == [0]


def test_a_picture_that_is_no_whole_png_is_left_out(tmp_path, caplog, monkeypatch):
    """No file is handed to a program for what it is, and no pipe is waited for."""
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a program"))
    image = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(image, "png")
    whole = image.getvalue()
    header = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    huge = whole[:16] + b"\0\1\0\0" * 2 + whole[24:]
    names = [f"{index:012x}" for index in range(40)]
    folder = manifest(tmp_path, {name: {} for name in names})
    damages = [b"", whole[:40], whole[:-20], header, huge, b"GIF89a", b"P6 9 9 255 "]
    damages += [whole[:at] + b"\xff" + whole[at + 1 :] for at in range(8, 41)]
    for name, damage in zip(names, damages[:-1] + [None], strict=True):
        begin(folder / name, 1.0)
        path = folder / name / "samples" / "samples-00000001.png"
        path.parent.mkdir()
        path.write_bytes(damage) if damage is not None else os.mkfifo(path)
    assert len(thumbnails(read_sweep(folder), "samples", range(40))) <= 5
    assert "samples-00000001.png is passed over: it is no whole PNG file" in caplog.text


def test_the_page_loads_nothing_from_outside(page):
    for tag, attributes in Elements(page).tags:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        target = attributes.get("src") or attributes.get("href") or "#"
        own = re.fullmatch(r"[0-9a-f]{12}/report\.html", target)
        assert own or target.startswith(("#", "data:image/png;base64,")), target
    policy = Elements(page).all("meta")[1]["content"]
    assert "default-src 'none'" in policy and "img-src data:;" in policy


def test_the_page_escapes_every_name(page):
    elements = Elements(page)
    assert len(elements.all("script")) == 2  # the data and the page's own
    assert not any(name.startswith("on") for _, a in elements.tags for name in a)
    assert "<" not in re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1]
    assert elements.text.count(HOSTILE) == 2  # the command, a reason
    assert html.escape("grid & <b>") in page


def test_the_page_has_headings_in_order_and_pictures_with_words(page):
    elements = Elements(page)
    levels = [int(tag[1]) for tag, _ in elements.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    alts = [image["alt"] for image in elements.all("img")]
    assert alts[0] == "samples of beta 0.5, learning rate 0.0001, seed 0"
    assert len(alts) == 8  # the torn one is left out


def test_the_page_says_what_came_out(page):
    text = Elements(page).text
    for words in (
        "13 trials: 8 finished, 1 waiting, 2 stopped, 1 pruned, 1 failed",
        "negative_elbo, smaller is better",
        "train.steps = 400",
        "Failed: 1",
        "after 200 rounds, at negative_elbo = 31.25",
        "Members that copied another: 1",
        "Rests on 8 finished trials",
        "--config.objective.beta=0.5",
    ):
        assert words in text, words
    assert "Without a mean over seeds: 2 of the recipes" in text


def test_the_table_is_in_the_order_of_the_target(page):
    rows = [row for row in Elements(page).all("tr") if "data-trial" in row]
    assert [row["data-trial"] for row in rows] == [str(i) for i in range(13)]


@pytest.mark.parametrize("trials", [{}, {"a": {}}, {"a": {BETA: 1}, "b": {BETA: 2}}])
def test_a_sweep_that_has_not_begun_has_a_page_too(tmp_path, trials):
    text = Elements(write_report(manifest(tmp_path, trials)).read_text()).text
    assert ("Not finished" in text) == bool(trials)
    assert "No pictures yet" in text and "not finite" not in text


def test_the_data_of_a_page_are_json_without_nan(read, knobs):
    data = page_data(read, knobs, seed_groups(read, knobs))
    json.dumps(data, allow_nan=False)
    names = {"name": "negative_elbo", "label": "negative elbo"}
    names["axis"] = "negative elbo (nats)"
    assert data["values"][0] == {**names, "kind": "linear"}
    assert data["trials"][3]["values"] == [4.0, 6.0, 8.0, None]
    assert data["trials"][12]["values"] == [None] * 4


# Runs inside a copy of the page: uses its controls and tells the outer page what happened.
PROBE = """
<script>
const told = { errors: window.failures, ready: document.documentElement.dataset.ready };
const all = (what) => [...document.querySelectorAll(what)];
const one = (what) => document.querySelector(what);
const first = () => one("#table tbody tr").dataset.trial;
const pick = (what, value) => {
  const select = one(what);
  select.value = value;
  select.dispatchEvent(new Event("change", { bubbles: true }));
};
const hover = (node, kind) => node.dispatchEvent(new PointerEvent(kind));
told.first = first();
told.strands = all("#parallel .strand").length;
told.open = all("#parallel .strand.open").length;
told.broken = all("path").some((path) => path.getAttribute("d").includes("NaN"));
told.cells = all(".heat td").map((cell) => cell.textContent);
told.spots = all("#scatter .trial").length;
told.bands = all(".chart .band").length;
told.command = one(".command code").textContent;
all("#table tbody button")[1].click();
told.pinned = one(".command code").textContent;
told.shown = all("#table tr.shown").map((row) => row.dataset.trial);
all("#table tbody button")[1].click();
hover(one("#table tbody tr"), "pointerenter");
told.marked = all("#parallel .strand.shown").length;
told.ringed = all("#scatter .spot").length;
told.behind = all(".chart .behind").length;
hover(one("#table tbody tr"), "pointerleave");
told.left = all(".spot, .behind, tr.shown").length;
all("#table thead button")[0].click();
told.byName = all("#table tbody tr").at(-1).dataset.trial;
pick("#look [name=maximize]", "1");
told.largest = first();
told.pictured = one(".gallery figure").dataset.trial;
pick("#look [name=value]", "1");
told.kl = first();
told.blocks = all(".of-value:not([hidden]) :is(h3, h4)").map((head) => head.textContent);
const svg = one("#parallel svg");
svg.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
told.read = one("#parallel output").textContent;
svg.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
const smoothing = one("#curve [name=smoothing]"), line = () => one("#curves .line").getAttribute("d");
const unsmoothed = line();
smoothing.value = 0.5;
smoothing.dispatchEvent(new Event("input"));
told.smoothed = line() !== unsmoothed; // of four points
const chart = one("#curve [name=chart]");
pick("#curve [name=chart]", String(chart.options.length - 1));
told.chart = one(".chart h3").textContent;
told.width = innerWidth;
told.overflow = document.documentElement.scrollWidth - innerWidth;
told.unnamed = all("button, input, select").filter(
  (c) => !(c.textContent || c.ariaLabel || c.labels?.[0]?.textContent)).length;
parent.postMessage(told, "*");
</script>
"""


@needs_browser
def test_controls_work_and_nothing_overflows_at_any_width(page, tmp_path):
    for note in told_by(page, PROBE, tmp_path):
        assert note["unnamed"] == 0
        assert (note["first"], note["strands"], note["open"]) == ("0", 13, 5)
        assert not note["broken"] and note["spots"] == 8 and note["bands"] == 4
        # Rows from the larger rate down, columns from the smaller beta up.
        cells = ["3.5 n = 2", "7.5 n = 2", "1.5 n = 2", "5.5 n = 2"]
        assert note["cells"] == cells
        assert note["command"].endswith("learning_rate=1e-4 --config.seed=0")
        assert note["pinned"].startswith("# 000000000001 copied other members")
        assert note["shown"] == ["1"]
        # A line over three axes; the chart has four groups, and one member's knobs are its own.
        assert (note["marked"], note["ringed"], note["behind"]) == (1, 1, 5)
        assert note["left"] == 0
        assert note["byName"] == "12"  # waiting, by letter
        assert (note["largest"], note["pictured"], note["kl"]) == ("7", "7", "0")
        assert note["blocks"] == ["kl", "kl"]
        assert note["read"] == "beta 0.5, learning rate 0.0001, seed 0: 9"
        assert note["smoothed"] and note["chart"] != "vae/loss"


@needs_browser
def test_a_browser_draws_an_empty_sweep_under_its_own_policy(tmp_path):
    page = write_report(manifest(tmp_path / "sweep", {}))
    dom = rendered(page, tmp_path / "profile")
    assert Elements(dom).all("html")[0].get("data-ready") == "true"


def test_a_trial_has_one_color_everywhere(read, knobs):
    groups = seed_groups(read, knobs)
    data = page_data(read, knobs, groups)
    colors = [trial["color"] for trial in data["trials"]]
    assert len(set(colors)) == 4 and colors[0] == colors[1] != colors[2]
    drawn = [*data["charts"][0]["series"], *data["schedules"][0]["series"]]
    for series in drawn:
        assert {series["color"]} == {colors[trial] for trial in series["trials"]}
    points = best_so_far(read, groups)["series"][1]
    assert points["colors"] == colors[:8]
    many = [color(index, 24) for index in range(24)]
    assert len(set(many)) == 24


def test_the_best_so_far_follows_the_order_in_which_trials_finished(tmp_path):
    folder = manifest(tmp_path / "s", {name: {"seed": name} for name in "abcd"})
    for minute, (name, loss) in enumerate(
        {"c": 3.0, "a": 1.0, "d": 4.0, "b": 0.5}.items()
    ):
        finish(folder / name, loss)
        path = folder / name / "results.json"
        record = json.loads(path.read_text())
        date = {"measured": f"2026-11-26T05:0{minute}:30+00:00"}
        path.write_text(json.dumps(record | date))
    found = read_sweep(folder)
    line, points = best_so_far(found, seed_groups(found, []))["series"]
    assert points["values"] == [3.0, 1.0, 4.0, 0.5]
    assert line["values"] == [3.0, 1.0, 1.0, 0.5]
    upward = dataclasses.replace(found, maximize=True)
    line, _ = best_so_far(upward, seed_groups(upward, []))["series"]
    assert line["values"] == [3.0, 3.0, 4.0, 4.0]


def test_points_that_stand_still_keep_their_colors(read, knobs):
    """However many trials there are, and where a logarithmic scale has no place for some."""
    (line, points) = best_so_far(read, seed_groups(read, knobs))["series"]
    values = [float(i % 7 - 1) for i in range(150)]
    many = {"steps": [*range(1, 151)], "values": values}
    colors = [f"color {value}" for value in values]
    spec = {
        "x": "",
        "y": "",
        "series": [line | many, points | many | {"colors": colors}],
    }
    for log in (False, True):
        dots = still.chart(spec | {"log": log}).lines[1]["dots"]
        shown = {color: {y for _, y, one in dots if one == color} for *_, color in dots}
        assert all(len(heights) == 1 for heights in shown.values())
        assert len(shown) == (5 if log else 7)


def test_columns_name_their_split_and_trials_their_time(tmp_path):
    folder = manifest(tmp_path / "s", {"a": {"seed": 0}, "b": {"seed": 1}})
    for name in "ab":
        finish(folder / name, 1.0)
        for file, changes in (
            ("config.json", {"began": "2026-11-26T05:00:00+00:00"}),
            ("results.json", {"measured": "2026-11-26T05:02:05+00:00"}),
        ):
            record = json.loads((folder / name / file).read_text())
            if file == "results.json":
                record["metrics"]["held_out"]["protocol"] = {"split": "test"}
            (folder / name / file).write_text(json.dumps(record | changes))
    found = read_sweep(folder)
    assert found.trials[0].seconds == 125.0
    assert found.spoken("negative_elbo") == "negative elbo on test"
    text = Elements(write_report(folder).read_text()).text
    assert "negative elbo on test" in text and "2 min 5 s" in text
    assert "Trials of one shape train together" in text


@pytest.mark.full
@needs_axe
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_wrong(page, tmp_path, dark):
    assert violations(page, tmp_path, dark=dark) == [[]] * len(WIDTHS)
