"""Sweeps: spaces, populations that equal solo runs, engines that lose and repeat nothing."""

import csv
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import decoys
import jax
import pytest
import recipes

from genlab.commands.cli import main
from genlab.errors import EXIT_STOPPED, InputError, Stopped
from genlab.process.signals import Stop
from genlab.run.course import load_run
from genlab.run.folder import claim
from genlab.run.recipe import Recipe
from genlab.storage.checkpoint import Checkpoints
from genlab.sweep import cohort, population
from genlab.sweep.group import group, pack
from genlab.training.train import train
from genlab.trials import pruned, seeds, space, table
from genlab.trials.trial import Trial, resolve

ROOT = Path(__file__).parents[2]
RING = str(recipes.CONFIGS / "gan_ring.py:tiny")
VAE = str(recipes.CONFIGS / "vae.py:tiny")
QUICK = {"eval.metrics": "()", "sample.plots": "()"}


def test_grid_takes_every_combination_and_types_are_the_configs():
    sweep = space.parse_grid("objective.beta=1,2; model.encoder.hidden=(8,),(8,8)")
    trials = resolve(VAE, {}, sweep)
    chosen = [
        (trial.config["objective"]["beta"], trial.config["model"]["encoder"]["hidden"])
        for trial in trials
    ]
    assert chosen == [(1.0, [8]), (1.0, [8, 8]), (2.0, [8]), (2.0, [8, 8])]
    assert len({trial.name for trial in trials}) == 4


def test_name_of_a_trial_is_the_one_from_before_writers_and_drawn_examples():
    (trial,) = resolve(VAE, {}, space.seeds(1))
    quiet = Trial({}, {k: v for k, v in trial.config.items() if k != "writers"})
    assert quiet.name == trial.name
    trial = quiet
    old = {k: v for k, v in trial.config["data"].items() if k != "subset_seed"}
    older = Trial({}, {**trial.config, "data": old})
    drawn = Trial({}, {**trial.config, "data": {**old, "subset_seed": 0}})
    assert older.name == trial.name != drawn.name
    text = json.dumps(older.config, sort_keys=True)
    assert trial.name == hashlib.sha256(text.encode()).hexdigest()[:12]


def test_products_combine_and_refuse_a_key_twice():
    both = space.product(space.grid(objective__beta=(1.0, 2.0)), space.seeds(2))
    assert both == [
        {"objective.beta": beta, "seed": seed} for beta in (1.0, 2.0) for seed in (0, 1)
    ]
    with pytest.raises(InputError, match="two sweeps set 'seed'"):
        space.product(space.seeds(2), space.seeds(2))


def test_trials_of_one_shape_are_one_group():
    floats = space.grid(objective__beta=(1.0, 2.0))
    shapes = space.grid(experiment__latent_dim=(2, 3))
    trials = resolve(VAE, {}, space.product(floats, shapes, space.seeds(2)))
    groups = group(trials)
    assert [len(one) for one in groups] == [4, 4]
    for one in groups:
        assert len({trial.config["experiment"]["latent_dim"] for trial in one}) == 1


def test_untraceable_trials_are_recorded_in_folders_of_their_own_alone(
    tmp_path, monkeypatch
):
    """And of parts that are finished nothing is built."""
    trials = resolve(VAE, {}, space.grid(objective__beta=(1.0, 2.0)))
    built = []

    def refused(part, *_):
        built.append(part)
        raise cohort.Untraceable("no")

    monkeypatch.setattr(population, "Population", refused)
    sweep, outside = tmp_path / "sweep", tmp_path / "outside"
    sweep.mkdir()
    outside.mkdir()
    (outside / "pruned.json").write_text("{}")
    trials[0].folder(sweep).symlink_to(outside)
    for writes in (population.train, pruned.forget):
        with pytest.raises(InputError, match="is a link"):
            writes(trials, sweep, *([Stop()] if writes is population.train else []))
    assert [path.name for path in outside.iterdir()] == ["pruned.json"]
    built.clear()
    trials[0].folder(sweep).unlink()
    for trial in trials:
        trial.folder(sweep).mkdir()
        results = json.dumps({"step": trial.steps, "metrics": {}})
        (trial.folder(sweep) / "results.json").write_text(results)
    population.train(trials, sweep, Stop())
    assert not built


def test_packs_fit_the_memory():
    trials = resolve(VAE, {}, space.seeds(5))
    state = Recipe.build(trials[0].config).shapes()
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
    packs = pack(trials, memory=2 * 4 * size)
    assert [trial for part in packs for trial in part] == trials
    assert max(map(len, packs)) == 2
    assert pack(trials, memory=1)[0] == trials[:1]


GAMES = [
    pytest.param(name, marks=[] if name in ("boltzmann", "dcgan") else pytest.mark.full)
    for name in recipes.representatives()
    if "@" not in name  # stages are trained by the config that they are of
]


@pytest.mark.parametrize("name", GAMES)
def test_member_is_the_run_that_it_would_be_alone(name, tmp_path):
    rate = {
        f"optimizer.{player}.learning_rate": 1e-3
        for player in recipes.plain(name)["optimizer"]
    }
    path = str(recipes.CONFIGS / f"{name}.py:tiny")
    sweep = [{**rate, "seed": 3}, {**{key: 2e-3 for key in rate}, "seed": 4}]
    trials = resolve(path, {**QUICK, "devices": "1"}, sweep)
    population.train(trials, tmp_path, Stop())
    alone = train(trials[1].config, tmp_path / "alone", {})
    _, member = load_run(trials[1].folder(tmp_path))
    recipes.assert_close(jax.device_get(alone), jax.device_get(member), 1e-5)
    assert trials[1].results(tmp_path)["step"] == trials[1].steps


@pytest.mark.full
def test_member_that_diverges_is_recorded_and_stops_no_other(tmp_path):
    rates = space.grid(optimizer__discriminator__learning_rate=(1e-3, 1e30))
    trials = resolve(RING, {**QUICK, "optimizer.discriminator": "sgd"}, rates)
    population.train(trials, tmp_path, Stop())
    assert [row["state"] for row in table.rows(trials, tmp_path)] == [
        "finished",
        "failed",
    ]
    reason = (trials[1].folder(tmp_path) / "failed.txt").read_text()
    assert "step" in reason
    assert "of player" in reason


LONG = [
    *("sweep", f"--config={RING}", "--seeds=2", "--config.devices=1"),
    *("--config.eval.every=0", "--config.eval.metrics=()"),
    *("--config.sample.every=0", "--config.sample.plots=()"),
    *("--config.train.steps=3000", "--config.train.steps_per_call=20"),
    *("--config.log.every=500", "--config.checkpoint.every=500"),
]


@pytest.mark.full
def test_killed_population_goes_on_bit_for_bit(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    program = (
        "import sys; from genlab.commands.cli import main; sys.exit(main(sys.argv))"
    )
    command = [sys.executable, "-c", program, *LONG, f"--workdir={cut}"]
    victim = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    limit = 400
    deadline = time.monotonic() + limit
    while not any(Checkpoints(path).steps() for path in cut.glob("population-*")):
        assert time.monotonic() < deadline, f"no checkpoint in {limit} s"
        time.sleep(0.01)
    victim.kill()
    victim.wait()
    assert not list(cut.glob("*/results.json")), "it was too late"
    for workdir in (whole, cut):
        assert main(["launch.py", *LONG, f"--workdir={workdir}"]) == 0
    names = sorted(path.parent.name for path in whole.glob("*/results.json"))
    assert len(names) == 2
    for name in names:
        recipes.assert_identical(load_run(whole / name)[1], load_run(cut / name)[1])


def test_page_of_a_stopped_population_says_that_nobody_is_at_work(
    tmp_path, monkeypatch
):
    def train(trials, sweep, stop, evolution):
        trials[0].folder(sweep).mkdir()
        claim(trials[0].folder(sweep), Recipe.build(trials[0].config), {})
        raise Stopped("stopped by SIGTERM after step 4; saved")

    monkeypatch.setattr(population, "train", train)
    command = ["launch.py", "sweep", f"--config={RING}", "--seeds=2"]
    assert main([*command, f"--workdir={tmp_path}/s"]) == EXIT_STOPPED
    page = (tmp_path / "s" / "report.html").read_text()
    assert "2 trials: 1 waiting, 1 stopped" in page


@pytest.mark.full
def test_local_engine_runs_each_trial_and_records_failures(tmp_path, monkeypatch):
    """Trials import what lies beside their config, and nothing in a folder with a colon in its name."""
    here = decoys.make_apart(tmp_path / "my: 'work'", tmp_path / "apart")
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", list(sys.path))
    grid = "optimizer.discriminator.learning_rate=1e-3,1e30"
    command = ["launch.py", "sweep", "--config=../apart/config.py", f"--grid={grid}"]
    command += ["--engine=local", "--workdir=out", "--workers=2"]
    command += ["--config.optimizer.discriminator=sgd", "--config.devices=1"]
    assert main(command) == 0
    with Path("out/results.csv").open(encoding="utf-8") as file:
        assert [row["state"] for row in csv.DictReader(file)] == ["finished", "failed"]
    finished = json.loads(next(Path("out").glob("*/results.json")).read_text())
    assert finished["step"] == 8
    reason = next(Path("out").glob("*/failed.txt")).read_text()
    assert reason.startswith("genlab: error: step 1: 'fake' of player")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "needs --sweep=NAME, --grid or --seeds"),
        (["--sweep=rates"], "no sweep 'rates'; it has space, learning_rates"),
        (["--grid=learning_rate"], "is not KEY=VALUE,VALUE"),
        (["--grid=a=1,2 b.c=3"], "has two keys; put a semicolon before b.c="),
        (["--grid=optimizer.generator.learning_rte=1"], "did you mean 'learning_rate'"),
        (["--grid=seed=1,1"], "{'seed': '1'} twice"),
        (["--seeds=2", "--engine=slurmy"], "engine 'slurmy' is unknown"),
        (["--seeds=2", "--config.parallel=pmap"], "take parallel='jit'"),
        (["--seeds=0"], "seeds"),
    ],
)
def test_mistake_is_answered_in_one_line(arguments, expected, capsys, tmp_path):
    command = ["launch.py", "sweep", f"--config={RING}", f"--workdir={tmp_path}/s"]
    assert main([*command, *arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert expected in line


def _finished(trials, tmp_path, values):
    """Results of each trial by hand: 1,000 examples, of which a share is right."""
    for trial, value in zip(trials, values, strict=True):
        folder = trial.folder(tmp_path)
        folder.mkdir()
        found = {
            "values": {"accuracy": value},
            "intervals": {"accuracy": [value - 0.02, value + 0.02]},
            "protocol": {},
        }
        results = {"step": trial.steps, "metrics": {"held_out": found}}
        (folder / "results.json").write_text(json.dumps(results))


def test_seeds_are_summarized_apart_from_other_knobs(tmp_path):
    """By hand: 0.1, 0.2, 0.3 have mean 0.2 and standard error 0.1 / sqrt(3), t is 4.303."""
    sweep = space.product(space.grid(objective__beta=(1.0, 2.0, 4.0)), space.seeds(3))
    trials = resolve(VAE, {}, sweep)
    shifted = (0.31, 0.41, 0.52)
    _finished(trials, tmp_path, (0.1, 0.2, 0.3, *shifted, 0.3, 0.2, 0.1))
    text = seeds.over_seeds(trials, tmp_path)
    means, gaps, trends = text.split("\n\n")
    assert [" ".join(line.split()) for line in means.splitlines()[1:]] == [
        "objective.beta seeds accuracy",
        "1 3 0.2 (-0.04841 to 0.4484) ± 0.02",
        "2 3 0.4133 (0.1524 to 0.6743) ± 0.02",
        "4 3 0.2 (-0.04841 to 0.4484) ± 0.02",
    ]
    # The seeds move both alike, so that 0.21, 0.21, 0.22 is resolved; -0.2, 0, 0.2 is not.
    title, heads, *rows = [" ".join(line.split()) for line in gaps.splitlines()]
    assert "difference to objective.beta=1" in title
    assert heads == "objective.beta common seeds accuracy"
    assert rows == [
        "2 3 +0.213 (+0.199 to +0.228)",
        "4 3 +0 (-0.497 to +0.497), not resolved",
    ]
    # Spearman by hand: 0.1, 0.31, 0.3; 0.2, 0.41, 0.2 with a tie; 0.3, 0.52, 0.1: 1/2, 0, -1/2.
    title, heads, row = [" ".join(line.split()) for line in trends.splitlines()]
    assert "with objective.beta of each seed" in title and heads == "accuracy"
    assert row.startswith("+0.00 (-1.00 to +1.00), p ")
    assert seeds.over_seeds(trials[::3], tmp_path) == ""


def test_seeds_that_were_chosen_have_no_mean(tmp_path):
    sweep = space.product(space.grid(objective__beta=(1.0, 2.0)), space.seeds(3))
    trials = resolve(VAE, {}, sweep)
    _finished(trials, tmp_path, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    (trials[5].folder(tmp_path) / "pruned.json").write_text("{}")
    means, note = seeds.over_seeds(trials, tmp_path).split("\n\n")
    assert [line.split()[:3] for line in means.splitlines()[2:]] == [["1", "3", "0.2"]]
    assert note.startswith("without a mean over seeds: 1 of the recipes")
    (trials[0].folder(tmp_path) / "evolution.json").write_text("[]")
    assert seeds.over_seeds(trials, tmp_path).startswith("without a mean over seeds: 2")


def test_recipes_are_compared_with_the_best_by_the_target(tmp_path):
    sweep = space.product(space.grid(objective__beta=(1.0, 2.0)), space.seeds(2))
    trials = resolve(VAE, {}, sweep)
    _finished(trials, tmp_path, (0.1, 0.2, 0.3, 0.4))
    for trial, elbo in zip(trials, (30.0, 31.0, 20.0, 21.0), strict=True):
        step = trial.steps
        line = {"step": step, "split": "validation", "values": {"negative_elbo": elbo}}
        (trial.folder(tmp_path) / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    text = seeds.over_seeds(trials, tmp_path, "negative_elbo")
    assert "difference to objective.beta=2" in text and "-0.2, the same for 2" in text
