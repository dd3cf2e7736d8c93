"""Populations that lose members, or let losers copy winners, while they train."""

import copy
import itertools
import json
import shutil

import jax
import numpy as np
import pytest
import recipes

from genlab.commands.cli import main
from genlab.errors import InputError
from genlab.process.signals import Stop
from genlab.reporting.sweep import read_sweep
from genlab.run.course import load_run
from genlab.run.recipe import Recipe
from genlab.storage import sidefile
from genlab.storage.files import write_atomic
from genlab.sweep import halving, mode, population
from genlab.sweep.evolution import Evolution, choose_parents, explore
from genlab.training.rounds import rounds_of
from genlab.training.train import train
from genlab.trials import pruned, space, table
from genlab.trials.tail import Tail
from genlab.trials.trial import resolve

VAE = str(recipes.CONFIGS / "vae.py:tiny")
TARGET = "negative_elbo"
EVOLVE = (f"--target={TARGET}", "--evolve=8")
LONGER = {
    "train.steps": "16",
    "eval.every": "2",
    "checkpoint.every": "2",
    "eval.best": "",
    "eval.metrics": "()",
    "sample.plots": "()",
    "devices": "1",
}
COPIED = (1e-6, 1e-3, 1.1e-3, 1.2e-3)  # the first learns nothing, and copies another


def _trials(rates=(1e-5, 1e-2, 1e-4, 1e-3)):
    return resolve(VAE, LONGER, space.grid(optimizer__vae__learning_rate=rates))


def _measured(trial, sweep):
    lines = Tail(trial.folder(sweep) / "metrics.jsonl").lines()
    return {
        line["step"]: line["values"][TARGET]
        for line in lines
        if line["split"] == "validation"
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    for trial in _trials():  # all given up by a search before
        trial.folder(folder).mkdir()
        (trial.folder(folder) / "pruned.json").write_text("{}")
    halving.train(_trials(), folder, Stop(), TARGET)
    return folder


@pytest.fixture(scope="module")
def unhalved(tmp_path_factory):
    """The same trials where none is ended, one of which a search gave up before."""
    folder = tmp_path_factory.mktemp("unhalved")
    given_up = _trials()[1].folder(folder) / "pruned.json"
    given_up.parent.mkdir()
    given_up.write_text("{}")
    population.train(_trials(), folder, Stop())
    return folder


@pytest.fixture(scope="module")
def evolved(tmp_path_factory):
    """A command, and the folder where it let one of four copy another."""
    folder = tmp_path_factory.mktemp("evolved")
    command = ["launch.py", "sweep", f"--config={VAE}", f"--workdir={folder}"]
    command += ["--grid=optimizer.vae.learning_rate=1e-6,1e-3,1.1e-3,1.2e-3"]
    command += [f"--config.{key}={value}" for key, value in LONGER.items()]
    assert main([*command, *EVOLVE]) == 0
    return command, folder


def test_rungs_halve_the_rounds_at_measurements():
    assert halving.rungs(_trials()) == [4, 8]
    assert halving.rungs(_trials() + _trials()[:3]) == [4, 8]
    assert halving.rungs(_trials() * 2) == [2, 4, 8]
    assert halving.rungs(_trials()[:1]) == []
    never = resolve(VAE, {**LONGER, "eval.every": "0"}, [{}])
    with pytest.raises(InputError, match="eval.every"):
        halving.rungs(never)


@pytest.mark.parametrize(
    ("key", "told"),
    [("eval.every", "2 of 16, 4 of 16"), ("train.steps", "2 of 2, 2 of 4")],
)
def test_trials_that_are_not_measured_together_are_not_halved(key, told, tmp_path):
    common = {name: value for name, value in LONGER.items() if name != key}
    trials = resolve(VAE, common, [{key: 2}, {key: 4}])
    with pytest.raises(InputError, match=told):
        halving.train(trials, tmp_path, Stop(), TARGET)
    assert not list(tmp_path.iterdir())


def test_population_that_is_past_a_rung_is_not_halved_by_what_nobody_measured(tmp_path):
    trials = _trials()
    past = population.Population(trials, tmp_path)
    shapes = past.cohorts[0].shapes()
    crowd = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    state = crowd.state.replace(step=crowd.state.step + 6)
    past.checkpoints.save(crowd.replace(state=state), 6)
    with pytest.raises(InputError, match="has done 6 rounds, more than the 4"):
        halving.train(trials, tmp_path, Stop(), TARGET)
    assert not (tmp_path / "rungs.json").exists()


MODES = {
    "plain": {},
    "halving": {"pruner": "halving", "target": TARGET},
    "other target": {"pruner": "halving", "target": "kl"},
    "evolve": {"evolve": 8, "target": TARGET},
    "oftener": {"evolve": 4, "target": TARGET},
}


@pytest.mark.parametrize(("first", "second"), [*itertools.permutations(MODES, 2)])
def test_folder_keeps_the_mode_in_which_its_members_were_trained(
    first, second, tmp_path
):
    mode.claim(tmp_path, **MODES[first])
    (tmp_path / "rungs.json").write_text("{}")
    mode.check(tmp_path, **MODES[first])
    with pytest.raises(InputError, match="were trained with.* not with"):
        mode.claim(tmp_path, **MODES[second])
    mode.check(tmp_path, **MODES[first])


def test_target_by_which_nothing_was_decided_may_be_put_right(tmp_path):
    with pytest.raises(InputError, match="measured are kl, negative_elbo"):
        halving.train(_trials(), tmp_path, Stop(), "negative_elbow")
    mode.check(tmp_path, pruner="halving", target=TARGET)
    (tmp_path / "rungs.json").write_text("{}")
    with pytest.raises(InputError, match="with --pruner=halving --target=negative_elb"):
        mode.check(tmp_path, pruner="halving", target=TARGET)


@pytest.mark.full
def test_copies_of_others_are_no_results_of_a_sweep_without_evolution(
    evolved, tmp_path, capsys
):
    folder = shutil.copytree(evolved[1], tmp_path / "sweep")
    command = [*evolved[0], f"--workdir={folder}"]
    trials = _trials(rates=COPIED)
    last = {trial.name: _measured(trial, folder)[16] for trial in trials}
    (loser,) = (path.parent for path in folder.glob("*/evolution.json"))
    best = min(last, key=last.get)
    assert main([*command, *EVOLVE]) == 0
    told = capsys.readouterr().out.strip().splitlines()[-2:]
    assert told[0] == f"{TARGET} on validation: {last[best]:.6g}, of {best}"
    assert told[1].startswith("best: ")
    assert best != loser.name and "genlab --config" in told[1]
    shutil.copy(loser / "evolution.json", folder / best)
    assert main([*command, *EVOLVE]) == 0
    assert "no command trains alone" in capsys.readouterr().out.splitlines()[-1]
    (folder / best / "evolution.json").unlink()
    before = (folder / "sweep.json").read_text()
    for more in ([], ["--engine=local"], [f"--target={TARGET}", "--evolve=4"]):
        assert main([*command, *more]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert "were trained with --evolve=8" in line
    assert (folder / "sweep.json").read_text() == before
    record = read_sweep(folder)
    commands = {one.name: record.command(one) for one in record.trials}
    assert commands.keys() == last.keys()
    assert "no command trains it alone" in commands.pop(loser.name)
    assert all(line.startswith("genlab --config") for line in commands.values())


@pytest.mark.full
def test_halving_ends_the_worse_half_and_leaves_the_others_as_they_are(whole, unhalved):
    trials = _trials()
    values = {trial.name: _measured(trial, whole) for trial in trials}
    first = sorted(trials, key=lambda trial: values[trial.name][4])
    second = sorted(first[:2], key=lambda trial: values[trial.name][8])
    for trial, step in ((first[2], 4), (first[3], 4), (second[1], 8)):
        record = json.loads((trial.folder(whole) / "pruned.json").read_text())
        assert record["step"] == step == max(values[trial.name])
        assert record["value"] == pytest.approx(values[trial.name][step])
        assert int(load_run(trial.folder(whole))[1].step) == step
        assert trial.results(whole) is None
    _assert_same(second[0], whole, unhalved)
    states = sorted(row["state"] for row in table.rows(trials, whole))
    assert states == ["finished", "pruned", "pruned", "pruned"]


def _assert_same(trial, one, other):
    """The states that a trial has in two sweeps."""
    states = [load_run(trial.folder(sweep))[1] for sweep in (one, other)]
    recipes.assert_close(*jax.device_get(states), 1e-5)


@pytest.mark.full
def test_damaged_decisions_are_made_again(whole, tmp_path, caplog):
    folder = shutil.copytree(whole, tmp_path / "sweep")
    before = (folder / "rungs.json").read_text()
    for damage in ("{", "[]", '{"trials": [], "4": {}}'):
        (folder / "rungs.json").write_text(damage)
        assert sidefile.read(folder / "rungs.json", halving._are_decisions) is None
    halving.train(_trials(), folder, Stop(), TARGET)
    assert json.loads((folder / "rungs.json").read_text()) == json.loads(before)
    assert f"{folder / 'rungs.json'} is passed over: it is damaged" in caplog.text


@pytest.mark.full
def test_pruned_trial_goes_on_alone(whole, unhalved, tmp_path):
    trials = _trials()
    loser = next(t for t in trials if (t.folder(whole) / "pruned.json").exists())
    shutil.copytree(loser.folder(whole), loser.folder(tmp_path))
    train(loser.config, loser.folder(tmp_path), {})
    _assert_same(loser, tmp_path, unhalved)


@pytest.mark.parametrize(
    "cut", [pytest.param(write, marks=pytest.mark.full) for write in (1, 3, 4)]
)
def test_halving_that_is_cut_ends_the_same(cut, whole, tmp_path, monkeypatch):
    """The write of a decision, or of what follows from it, may be the last."""
    trials = _trials()
    with monkeypatch.context() as patched:
        _fail_at(patched, (halving, pruned), cut)
        with pytest.raises(KeyboardInterrupt):
            halving.train(trials, tmp_path / "cut", Stop(), TARGET)
    halving.train(trials, tmp_path / "cut", Stop(), TARGET)
    for name in ("rungs.json", *(f"{trial.name}/pruned.json" for trial in trials)):
        one, other = whole / name, tmp_path / "cut" / name
        assert one.exists() == other.exists()
        if one.exists():
            assert json.loads(one.read_text()) == json.loads(other.read_text())


def _fail_at(patched, modules, cut):
    written = []

    def write(path, text):
        written.append(path)
        if len(written) == cut:
            raise KeyboardInterrupt
        write_atomic(path, text)

    for module in modules:
        patched.setattr(module, "write_atomic", write)


def test_worst_quarter_copies_the_best(tmp_path):
    scores = np.array([3.0, 1.0, np.inf, 2.0, 9.0, 4.0, 5.0, 6.0])
    parents = choose_parents(scores, np.random.default_rng(0))
    copied = parents != np.arange(8)
    assert list(np.flatnonzero(copied)) == [2, 4]
    assert set(parents[copied]) <= {1, 3}
    assert not (
        choose_parents(np.full(4, np.inf), np.random.default_rng(0)) - np.arange(4)
    ).any()


def test_copies_explore_inside_the_range():
    first = (np.array([1.0, 2.0, 4.0, 8.0], np.float32),)
    (moved,) = explore(first, first, np.array([0, 1, 2, 1]), step=5)
    assert list(moved[:3]) == [1, 2, 4]
    assert moved[3] in (np.float32(1.6), np.float32(2.5))
    (moved,) = explore(first, first, np.array([3, 1, 2, 3]), step=5)
    assert moved[0] in (np.float32(6.4), np.float32(8.0))


@pytest.mark.full
def test_evolved_member_is_the_winner_with_other_knobs(evolved):
    """Its history is enough to make its last state again, by the rounds of a run alone."""
    trials, folder = _trials(rates=COPIED), evolved[1]
    (path,) = folder.glob("*/evolution.json")
    assert path.parent.name == trials[0].name
    (line,) = json.loads(path.read_text())
    assert line["step"] == 8
    knob = "optimizer.vae.learning_rate"
    parent = next(trial for trial in trials if trial.name == line["from"])
    raised, lowered = (
        min(1.25 * parent.overrides[knob], 1.2e-3),
        0.8 * parent.overrides[knob],
    )
    value = line["knobs"][knob]
    assert min(abs(value - raised), abs(value - lowered)) < 1e-8
    before, after = Recipe.build(parent.config), copy.deepcopy(parent.config)
    after["optimizer"]["vae"]["learning_rate"] = value
    state = _rounds(before, before.init_state(), 0, 8)
    state = _rounds(Recipe.build(after), state, 8, 8)
    _, member = load_run(trials[0].folder(folder))
    recipes.assert_close(jax.device_get(state), jax.device_get(member), 1e-5)


def _rounds(built, state, step, count):
    feed = built.feed()
    rounds = jax.jit(rounds_of(built.experiment, feed))
    seed = np.uint32(built.config["seed"])
    return rounds(state, feed.resident, feed.chunk(step, count), seed)[0]


def test_evolution_needs_measurements():
    with pytest.raises(InputError, match=r"--evolve=3 is no multiple of eval.every=2"):
        Evolution(TARGET, every=3).check(_trials())


@pytest.mark.full
def test_members_are_trained_and_evaluated_as_they_would_be_alone(unhalved, tmp_path):
    trial = _trials()[1]
    assert table.state_of(trial, unhalved) == "finished"
    train(trial.config, trial.folder(tmp_path), {})
    _assert_same(trial, unhalved, tmp_path)
    expected, found = (_measured(trial, sweep) for sweep in (tmp_path, unhalved))
    assert found.keys() == expected.keys()
    for step, value in found.items():
        assert value == pytest.approx(expected[step], rel=1e-4)
