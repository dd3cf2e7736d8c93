"""Searches: what samplers draw, whom pruners end, and that a cut study loses and changes nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from studies import (
    EVALUATED,
    RATE,
    RING,
    SPACE,
    TARGET,
    Killed,
    Writing,
    outcomes,
    study_of,
    trials_of,
)

from genlab.commands.cli import main
from genlab.errors import InputError
from genlab.process.signals import Stop
from genlab.storage import lock
from genlab.sweep import search as searches
from genlab.sweep import storage
from genlab.sweep.search import SAMPLERS, Search, distributions
from genlab.sweep.study import Study
from genlab.trials import table
from genlab.trials.manifest import Manifest, add, entries, read, recipe_of, write
from genlab.trials.space import Choice, Integers, Uniform
from genlab.trials.trial import resolve

optuna = pytest.importorskip("optuna", reason="searches need the extra `sweep`")
ROOT = Path(__file__).parents[2]


# The imports and fits of the Gaussian process take longest, and it is wrapped as the others are.
@pytest.mark.parametrize(
    "sampler",
    [
        pytest.param(name, marks=[pytest.mark.full] if name == "gp" else [])
        for name in SAMPLERS
    ],
)
def test_cut_search_draws_what_the_unbroken_one_would_have(sampler, tmp_path):
    space = SPACE if sampler != "grid" else {"seed": Integers(0, 11)}
    value = lambda trial: [trial.overrides["seed"]] * 8
    knobs = {"sampler": sampler, "space": space, "trials": 12}
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    pool = Writing(whole, value)
    study_of(whole, **knobs).train(pool, Stop())
    pool = Killed(cut, 11)
    pool.values = value
    with pytest.raises(KeyboardInterrupt):
        study_of(cut, **knobs).train(pool, Stop())
    assert trials_of(cut)[-1].state.name == "RUNNING"
    again = Writing(cut, value)
    study_of(cut, **knobs).train(again, Stop())
    assert len(again.trained) == 1
    assert outcomes(cut) == outcomes(whole)
    assert len({str(params) for params, _ in outcomes(cut)}) > 8


def test_kill_between_two_knobs_changes_nothing(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    study_of(whole, trials=1, sampler="random").train(Writing(whole), Stop())
    study = study_of(cut, trials=1, sampler="random")
    study.known.ask({RATE: distributions(SPACE)[RATE]})
    study.train(Writing(cut), Stop())
    assert outcomes(cut) == outcomes(whole)


def test_trial_that_was_put_back_is_trained_before_new_ones(tmp_path):
    sweep = tmp_path / "s"
    study = study_of(sweep, trials=2)
    study.known.enqueue_trial({RATE: 5e-3, "seed": 7})
    study.known.enqueue_trial({RATE: 6e-3, "seed": 8})
    study.train(Writing(sweep), Stop())
    assert [value for _, value in outcomes(sweep)] == [-5e-3, -6e-3]


def test_tpe_finds_the_better_half_of_a_space(tmp_path):
    # The share is the rate itself, uniform in its logarithm: chance lies above 1e-3 in half of all.
    pool = Writing(tmp_path / "s")
    study_of(tmp_path / "s", trials=30).train(pool, Stop())
    late = [trial.overrides[RATE] > 1e-3 for trial in pool.trained[10:]]
    assert sum(late) >= 17, "a fair coin does it once in 500 times"


def test_grid_takes_every_point_once_and_no_more(tmp_path):
    space = {"seed": Integers(1, 3), "train.batch_size": Choice((8, 16))}
    pool = Writing(tmp_path / "s", lambda trial: [0.5] * 8)
    study_of(tmp_path / "s", space=space, sampler="grid").train(pool, Stop())
    points = sorted(tuple(trial.overrides.values()) for trial in pool.trained)
    assert points == [(1, 8), (1, 16), (2, 8), (2, 16), (3, 8), (3, 16)]


def test_choices_that_no_storage_keeps_are_their_text(tmp_path):
    hidden = "model.generator.hidden"
    space = {hidden: Choice(((8,), (8, 8)))}
    pool = Writing(tmp_path / "s", lambda trial: [0.5] * 8)
    study_of(tmp_path / "s", space=space, sampler="grid").train(pool, Stop())
    sizes = [trial.config["model"]["generator"]["hidden"] for trial in pool.trained]
    assert sorted(sizes) == [[8], [8, 8]]


def test_trials_with_the_same_knobs_train_once(tmp_path):
    space = {"seed": Choice((0,))}
    sweep = tmp_path / "s"
    trials = study_of(sweep, space=space, trials=3).train(
        Writing(sweep, lambda trial: [0.5] * 8), Stop()
    )
    assert len(trials) == 1
    assert [value for _, value in outcomes(sweep)] == [-0.5] * 3


def test_trial_that_was_had_before_is_not_judged_again(tmp_path):
    sweep = tmp_path / "s"
    study = study_of(sweep, space={"seed": Integers(0, 1)}, pruner="halving", trials=3)
    for seed in (0, 1, 0):  # by the third there is a better one than the first
        study.known.enqueue_trial({"seed": seed})
    shares = {0: 0.4, 1: 0.6}
    values = lambda trial: [shares[trial.overrides["seed"]]] * 8
    study.train(Writing(sweep, values), Stop())
    assert [value for _, value in outcomes(sweep)] == [-0.4, -0.6, -0.4]
    assert not list(sweep.glob("*/pruned.json"))


def test_halving_ends_those_that_are_not_the_best_third_at_a_rung(tmp_path):
    # Rungs after 1 and 3 rounds. Of one to five trials at a rung the best goes on, and a value that
    # is not finite never does.
    sweep, shares = tmp_path / "s", [0.5, 0.4, None, 0.6, 0.3]
    numbered = iter(shares)
    pool = Writing(sweep, lambda trial: [next(numbered)] * 8)
    study_of(sweep, pruner="halving", trials=5).train(pool, Stop())
    states = [trial.state.name for trial in trials_of(sweep)]
    assert states == ["COMPLETE", "PRUNED", "PRUNED", "COMPLETE", "PRUNED"]
    records = [
        json.loads((trial.folder(sweep) / "pruned.json").read_text())
        for trial in (pool.trained[1], pool.trained[2])
    ]
    assert records == [
        {"step": 1, "target": TARGET, "value": 0.4},
        {"step": 1, "target": TARGET, "value": None},
    ]
    again = Writing(sweep)
    study_of(sweep, pruner="halving", trials=5).train(again, Stop())
    assert not again.trained


def test_hyperband_ends_some_and_not_all(tmp_path):
    sweep = tmp_path / "s"
    study_of(sweep, pruner="hyperband", trials=14).train(Writing(sweep), Stop())
    states = {trial.state.name for trial in trials_of(sweep)}
    assert states == {"COMPLETE", "PRUNED"}


def test_target_that_no_evaluation_has_ends_the_search_at_once(tmp_path):
    sweep = tmp_path / "s"
    pool = Writing(sweep)
    with pytest.raises(
        InputError, match="--target=-mode_coverage/a is not measured; measured are"
    ):
        study_of(sweep, target="-mode_coverage/a").train(pool, Stop())
    assert len(pool.trained) == 1


_WORKER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import studies
from genlab.process.signals import Stop
sweep = Path(sys.argv[1])
study = studies.study_of(sweep, trials=40, sampler="random")
studies.meet(sweep.with_name("ready"), 2)
pool = studies.Writing(sweep, lambda trial: [trial.overrides[studies.RATE]])
study.train(pool, Stop())
print(len(pool.trained))
"""


@pytest.mark.full
def test_two_processes_on_one_journal_share_forty_trials(tmp_path):
    sweep = tmp_path / "s"
    code = _WORKER.format(tests=str(Path(__file__).parents[1]))
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(sweep)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        for _ in range(2)
    ]
    trained = [int(worker.communicate(timeout=400)[0]) for worker in workers]
    assert sum(trained) == 40
    assert min(trained) > 4, "one of them did nearly all"
    trials = trials_of(sweep)
    assert sorted(trial.number for trial in trials) == list(range(40))
    assert {trial.state.name for trial in trials} == {"COMPLETE"}
    known = {entry["name"] for entry in read(sweep).trials}
    assert known == {path.parent.name for path in sweep.glob("*/results.json")}
    assert len(known) == 40


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({"space": {}}, "the space has no keys"),
        ({"space": {"sed": Integers(0, 1)}}, "did you mean 'seed'"),
        ({"space": {"seed": Uniform(0.0, 1.0)}}, "seed"),
        ({"trials": 0}, "0 trials are no search"),
        ({"target": ""}, "needs --target"),
        ({"target": "class_coverage/smallest_share"}, "eval.metrics has mode_coverage"),
        ({"sampler": "tpee"}, "sampler 'tpee' is unknown; did you mean 'tpe'"),
        ({"sampler": "grid"}, f"'{RATE}' is Uniform"),
        ({"pruner": "halve"}, "pruner 'halve' is unknown; did you mean 'halving'"),
        ({"storage": "redis://nowhere:1"}, "'redis://nowhere:1' does not answer"),
    ],
)
def test_mistake_is_one_line_and_leaves_nothing(knobs, expected, tmp_path):
    with pytest.raises(InputError) as caught:
        study_of(tmp_path / "s", **knobs)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "s" / "study.journal").exists()


def test_pruner_needs_evaluations(tmp_path):
    search = Search(space=SPACE, target=TARGET, trials=3, pruner="halving")
    with pytest.raises(InputError, match="eval.every=8 gives none; take 1 to 7"):
        Study(RING, {**EVALUATED, "eval.every": "8"}, tmp_path / "s", search)


def test_search_and_target_need_evaluations(tmp_path, capsys):
    never = {**EVALUATED, "eval.every": "0"}
    with pytest.raises(InputError, match="eval.every=0 gives none; set --config.eval"):
        search = Search(space=SPACE, target=TARGET, trials=3)
        Study(RING, never, tmp_path / "s", search)
    command = ["launch.py", "sweep", f"--config={RING}", "--seeds=2"]
    command += [f"--target={TARGET}", "--config.eval.every=0"]
    for engine in ("population", "local", "slurm"):
        more = [f"--engine={engine}", f"--workdir={tmp_path}/s"]
        assert main([*command, *more]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert "eval.every=0 gives none; set --config.eval.every, 1 to 8 rounds" in line
    assert not (tmp_path / "s").exists()


def test_best_and_told_is_the_last_evaluation_not_the_result(tmp_path):
    sweep = tmp_path / "s"
    curves = {0: [0.9] * 7 + [0.3], 1: [0.1] * 7 + [0.4], 2: [0.2] * 7 + [None]}
    pool = Writing(sweep, lambda trial: curves[trial.overrides["seed"]])
    space = {"seed": Integers(0, 2)}
    trials = study_of(sweep, space=space, sampler="grid").train(pool, Stop())
    told = {params["seed"]: value for params, value in outcomes(sweep)}
    assert told == {0: -0.3, 1: -0.4, 2: None}
    best, value = table.best_of(trials, sweep, TARGET)
    assert (best.overrides["seed"], value) == (1, 0.4)
    results = [table.measured(trial, sweep) for trial in trials]
    assert results[trials.index(best)] == {TARGET.removeprefix("-"): 0.6}
    with pytest.raises(InputError, match="coverage/a is not measured; measured are"):
        table.best_of(trials, sweep, "mode_coverage/a")


_HOLDS_THE_JOURNAL = """
import os, signal, sys
from pathlib import Path
from optuna.study import StudyDirection
from genlab.sweep import storage
os.fsync = lambda number: os.kill(os.getpid(), signal.SIGKILL)
storage._journal(Path(sys.argv[1])).create_new_study([StudyDirection.MINIMIZE], "s")
"""


def test_kill_inside_a_write_of_the_journal_blocks_nobody(tmp_path, monkeypatch):
    """By the path that the default folder has too, relative to where the command runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(storage, "PATIENCE", 10.0)
    path = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    command = [sys.executable, "-c", _HOLDS_THE_JOURNAL, "s"]
    killed = subprocess.run(command, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    with Path("s/study.journal").open("ab") as file:
        file.write(b'{"op_code":4,"wor')  # another, cut short
    study_of(Path("s"), trials=1).train(Writing(Path("s")), Stop())
    assert [trial.state.name for trial in trials_of(tmp_path / "s")] == ["COMPLETE"]


def _owned(study, owner):
    claimed = study.known.ask(distributions(SPACE))
    claimed.set_user_attr("owner", owner)


def test_owner_is_alive_as_long_as_it_holds_its_file(tmp_path):
    sweep = tmp_path / "s"
    study = study_of(sweep, trials=4)
    dead = sweep / ".owners" / "dead"
    with lock.held(sweep / ".owners" / "alive"), lock.held(dead):
        for owner in ("alive", "dead", "elsewhere"):
            _owned(study, owner)
        study.train(Writing(sweep), Stop())
        states = [trial.state.name for trial in trials_of(sweep)]
        assert states == ["RUNNING"] * 3 + ["COMPLETE"]
        assert sorted(os.listdir(sweep / ".owners")) == ["alive", "dead"]
    with lock.held(sweep / ".owners" / "alive"):
        study_of(sweep, trials=4).train(Writing(sweep), Stop())
    states = [trial.state.name for trial in trials_of(sweep)]
    assert states == ["RUNNING", "COMPLETE", "RUNNING", "COMPLETE"]


def test_gaussian_process_without_torch_is_refused(monkeypatch):
    monkeypatch.setattr(searches.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install torch"):
        Search(space=SPACE, target=TARGET, trials=3, sampler="gp")


def test_storage_that_says_nothing_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(optuna, "create_study", lambda **knobs: time.sleep(5))
    monkeypatch.setattr(storage, "PATIENCE", 0.2)
    began = time.monotonic()
    with pytest.raises(InputError, match="does not answer .nothing in"):
        study_of(tmp_path / "s", storage="postgresql://far")
    assert time.monotonic() - began < 3


def test_study_of_another_search_is_refused(tmp_path):
    sweep = tmp_path / "s"
    study_of(sweep)
    study_of(sweep, sampler="random")  # what draws may change
    with pytest.raises(InputError, match="was made by space="):
        study_of(sweep, space={"seed": Integers(0, 5)})
    with pytest.raises(InputError, match="was made by target="):
        study_of(sweep, target=TARGET.removeprefix("-"))
    with pytest.raises(InputError, match="was made by overrides="):
        Study(RING, {}, sweep, Search(space=SPACE, target=TARGET, trials=1))
    with pytest.raises(InputError, match="was made by config="):
        plain = RING.replace(":tiny", ":plain")
        Study(plain, EVALUATED, sweep, Search(space=SPACE, target=TARGET, trials=1))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Choice(()), "Choice of no values"),
        (lambda: Integers(3, 2), "Integers(low=3, high=2) is empty"),
        (lambda: Uniform(0.0, 1.0, log=True), "has no logarithm"),
    ],
)
def test_empty_distribution_is_refused(make, expected):
    with pytest.raises(InputError) as caught:
        make()
    assert expected in str(caught.value)


def test_manifest_keeps_the_trials_that_a_folder_had(tmp_path):
    one, two, three = resolve(RING, {}, [{"seed": seed} for seed in range(3)])
    described = Manifest(command="c", config=RING, common={}, engine="local")
    assert read(tmp_path) is None
    with pytest.raises(InputError, match="has no sweep.json"):
        add(tmp_path, [one])
    write(tmp_path, described)
    add(tmp_path, [one, two])
    other = Manifest(
        command="d",
        config=RING,
        common={},
        engine="ray",
        target="-x",
        trials=entries([two, three]),
    )
    write(tmp_path, other)
    merged = json.loads((tmp_path / "sweep.json").read_text())
    assert merged["command"] == "d"
    assert merged["target"] == "-x"
    names = [one.name, two.name, three.name]
    assert [entry["name"] for entry in merged["trials"]] == names
    assert [entry["overrides"]["seed"] for entry in merged["trials"]] == [0, 1, 2]
    (tmp_path / "sweep.json").write_text("{}")
    with pytest.raises(InputError, match="is not a sweep's manifest"):
        read(tmp_path)


def test_trials_of_two_recipes_are_not_compared_in_one_folder(tmp_path):
    (trial,) = resolve(RING, {}, [{"seed": 0}])
    described = Manifest(
        command="c",
        config=RING,
        common={"log.every": "2"},
        engine="local",
        recipe=recipe_of(RING),
        trials=entries([trial]),
    )
    write(tmp_path, described)
    before = (tmp_path / "sweep.json").read_text()
    longer = {**described.common, "train.steps": "4000"}
    with pytest.raises(
        InputError, match="log.every=2, not .*train.steps=4000; name an"
    ):
        write(tmp_path, replace(described, common=longer))
    plain = RING.replace(":tiny", ":plain")
    with pytest.raises(InputError, match="gan_ring.py:tiny, not --config=.*:plain;"):
        write(tmp_path, replace(described, config=plain, recipe=recipe_of(plain)))
    with pytest.raises(InputError, match="tiny as it is now; name another folder"):
        write(tmp_path, replace(described, recipe="edited"))
    assert (tmp_path / "sweep.json").read_text() == before
    relative = os.path.relpath(RING)
    assert recipe_of(relative) == described.recipe
    write(tmp_path, replace(described, config=relative))
