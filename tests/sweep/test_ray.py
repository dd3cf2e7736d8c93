"""Sweeps on Ray: nodes that die, searches that stop losers, clusters that do not answer."""

import collections
import contextlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import decoys
import pytest
import recipes

from genlab import trust
from genlab.commands.cli import main
from genlab.errors import EXIT_STOPPED, InputError, Stopped
from genlab.process.signals import Stop
from genlab.sweep import ray_tune
from genlab.sweep.search import Search, distributions
from genlab.sweep.study import Study
from genlab.trials import manifest, space
from genlab.trials.space import Choice
from genlab.trials.table import state_of
from genlab.trials.tail import Evaluations
from genlab.trials.trial import resolve

pytest.importorskip("ray.tune", reason="needs the extra `ray`")

# Ray forks to start its processes, which execute their own program at once; JAX warns of every fork
# of a process that has its threads, and pytest of the warning inside the fork's hook.
pytestmark = [
    pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
RING = str(recipes.CONFIGS / "gan_ring.py:tiny")
SHARE = "-mode_coverage/high_quality_share"
VAE = str(recipes.CONFIGS / "vae.py:tiny")
STACKED = str(recipes.CONFIGS / "stacked_autoencoder.py:tiny")  # 8 rounds, and 8 more
LONG = {
    "devices": "1",
    "eval.every": "0",
    "eval.best": "",
    "sample.every": "0",
    "sample.plots": "()",
    "train.steps": "20000",
    "train.steps_per_call": "100",
    "log.every": "1000",
    "checkpoint.every": "1000",
}


@pytest.fixture(scope="module")
def cluster():
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    yield cluster
    cluster.shutdown()


class _Trace(threading.Thread):
    """Notes on which node each trial's process was seen, by a variable of the second node."""

    def __init__(self, sweep):
        super().__init__(daemon=True)
        self.sweep, self.over = sweep, False
        self.seen = collections.defaultdict(set)

    def run(self):
        while not self.over:
            for folder, process in running(self.sweep).items():
                self.seen[node_of(process)].add(folder.name)
            time.sleep(0.05)


def running(sweep):
    found = {}
    for path in sweep.glob("*/process.json"):
        try:
            found[path.parent] = json.loads(path.read_text())["process"]
        except FileNotFoundError:
            continue
    return found


def node_of(process):
    try:
        variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return "gone"
    return "second" if b"SECOND=1" in variables else "first"


def parent_of(process):
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def wait_for(condition):
    deadline = time.monotonic() + 600
    while not (found := condition()):
        assert time.monotonic() < deadline, "nothing in ten minutes"
        time.sleep(0.02)
    return found


def finished(sweep):
    return {
        path.parent: path.stat().st_mtime_ns for path in sweep.glob("*/results.json")
    }


def kill(cluster, node, sweep):
    """The end of a machine: of Ray there, and of the trial that it trained."""

    def victim():
        for folder, process in running(sweep).items():
            # Of two checkpoints the first is whole.
            saved = len(list(folder.glob("checkpoints/[0-9]*"))) >= 2
            if not saved or node_of(process) != "second":
                continue
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)  # lest it ends before its machine
                if not (folder / "results.json").exists():
                    return folder, process
                os.kill(process, signal.SIGCONT)
        return None

    wait_for(lambda: len(finished(sweep)) >= 4)
    folder, process = wait_for(victim)
    before = finished(sweep)
    worker = Path("/proc") / str(parent_of(process))
    cluster.remove_node(node, allow_graceful=False)
    # Ray's worker must not live to see its trial die: on a dead machine it does not.
    wait_for(lambda: not worker.exists())
    with contextlib.suppress(ProcessLookupError):  # Ray may have been quicker
        os.kill(process, signal.SIGKILL)
    return folder, before


@pytest.mark.full
def test_command_searches_on_a_cluster_of_this_machine(tmp_path, capsys):
    """What the cluster does when trials are stopped, lose or die: `-m full`."""
    command = ["launch.py", "sweep", f"--config={RING}", "--sweep=space"]
    command += ["--engine=ray", "--trials=1", f"--target={SHARE}", "--sampler=random"]
    command += ["--config.eval.every=8", "--config.sample.plots=()"]
    assert main([*command, "--config.devices=1", f"--workdir={tmp_path}"]) == 0
    (trial,) = manifest.read(tmp_path).trials
    told = capsys.readouterr().out.strip().splitlines()
    assert told[-2].endswith(f", of {trial['name']}")
    assert told[-1].startswith("best: genlab --config")
    assert (tmp_path / trial["name"] / "results.json").exists()
    assert not (tmp_path / ".ray").exists()


@pytest.mark.full
def test_trials_of_a_dead_node_go_on_elsewhere(cluster, tmp_path):
    second = cluster.add_node(num_cpus=1, env_vars={"SECOND": "1"})
    common = {**LONG, "train.steps": "8000"}
    trials = resolve(VAE, common, space.seeds(8))
    killed, trace = {}, _Trace(tmp_path)

    def break_node():
        killed["folder"], killed["before"] = kill(cluster, second, tmp_path)

    breaking = threading.Thread(target=break_node, daemon=True)
    trace.start()
    breaking.start()
    ray_tune.train(VAE, common, tmp_path, trials, Stop(), address=cluster.address)
    trace.over = True
    breaking.join()
    states = [state_of(trial, tmp_path) for trial in trials]
    assert states == ["finished"] * 8
    assert len(trace.seen["first"]) >= 3
    assert len(trace.seen["second"]) >= 2
    assert len(killed["before"]) >= 4
    assert killed["before"].items() <= finished(tmp_path).items()
    assert "resumed from step" in (killed["folder"] / "log.txt").read_text()
    assert not (tmp_path / ".ray").exists()


@pytest.mark.full
def test_a_signal_ends_the_trials_after_they_saved(cluster, tmp_path, monkeypatch):
    """They train a user's config with what lies beside it, from a folder with names like genlab's."""
    monkeypatch.chdir(decoys.make_apart(tmp_path / "here", tmp_path / "apart"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    path, sweep = "../apart/config.py", tmp_path / "sweep"
    trials = resolve(path, LONG, space.seeds(2))
    stop = Stop()

    def ask():
        wait_for(lambda: list(sweep.glob("*/checkpoints/[0-9]*")))
        stop.signal = "SIGTERM"

    threading.Thread(target=ask, daemon=True).start()
    with pytest.raises(Stopped, match="stopped by SIGTERM"):
        ray_tune.train(path, LONG, sweep, trials, stop, address=cluster.address)
    (log,) = sweep.glob("*/log.txt")
    assert "stopped by SIGTERM after step" in log.read_text()
    assert not finished(sweep)
    stopped = [trial for trial in trials if trial.name == log.parent.name]
    ray_tune.train(path, LONG, sweep, stopped, Stop(), address=cluster.address)
    assert "resumed from step" in log.read_text()
    before = finished(sweep)
    ray_tune.train(path, LONG, sweep, stopped, Stop(), address="nowhere:1")
    assert finished(sweep) == before


@pytest.mark.full
def test_a_search_stops_losers(cluster, tmp_path):
    common = {**LONG, "eval.every": "500"}
    rates = Choice((1e-2, 1e-9, 1e30))
    chosen = Search(
        space={"optimizer.vae.learning_rate": rates},
        target="negative_elbo",
        trials=3,
        sampler="random",
        pruner="halving",
    )
    described = manifest.Manifest(command="", config=VAE, common=common, engine="ray")
    manifest.write(tmp_path, described)
    study = Study(VAE, common, tmp_path, chosen)
    for rate in rates.values:
        study.known.enqueue_trial({"optimizer.vae.learning_rate": rate})
    study.known.ask(distributions(chosen.space))  # and the one who asked was killed
    trials = ray_tune.search(study, Stop(), address=cluster.address)
    assert {trial.name for trial in trials} == {
        path.parent.name for path in tmp_path.glob("*/config.json")
    }
    assert len(trials) == 3
    by_rate = {t.overrides["optimizer.vae.learning_rate"]: t for t in trials}
    good, still, diverging = (by_rate[rate] for rate in rates.values)
    assert state_of(good, tmp_path) == "finished"
    assert state_of(diverging, tmp_path) == "failed"
    reason = (diverging.folder(tmp_path) / "failed.txt").read_text()
    assert "of player 'vae' is" in reason
    assert state_of(still, tmp_path) == "pruned"
    record = json.loads((still.folder(tmp_path) / "pruned.json").read_text())
    reached = Evaluations(good, tmp_path, "negative_elbo")
    assert record["value"] > dict(reached.new())[record["step"]]
    states = [trial.state.name for trial in study.known.get_trials()]
    assert states == ["COMPLETE", "COMPLETE", "PRUNED"]
    # The search is complete; there is nothing to connect for.
    assert ray_tune.search(study, Stop(), address="nowhere:1") == trials


@pytest.mark.full
def test_a_target_that_is_not_measured_is_refused(cluster, tmp_path):
    common = {**LONG, "eval.every": "500"}
    chosen = Search(space={"seed": space.Integers(0, 9)}, target="elbow", trials=2)
    described = manifest.Manifest(command="", config=VAE, common=common, engine="ray")
    manifest.write(tmp_path, described)
    study = Study(VAE, common, tmp_path, chosen)
    with pytest.raises(InputError, match="elbow is not measured; measured are kl"):
        ray_tune.search(study, Stop(), address=cluster.address)


def test_a_trial_with_stages_reports_rounds_of_its_last(tmp_path, monkeypatch):
    """As `Judge` does, so that a pruner's rungs lie inside the rounds that it judges."""
    from ray.tune.result import TRAINING_ITERATION

    from genlab.sweep import process
    from genlab.sweep.ray_trial import LOSS, Job, Training

    def trains(trial, path, common, sweep, *, watch, cwd):
        deadline = time.monotonic() + 5
        while not watch() and time.monotonic() < deadline:
            time.sleep(0.01)
        return EXIT_STOPPED

    monkeypatch.setattr(process, "run", trains)
    job = Job(STACKED, {}, tmp_path, Path.cwd(), "cross_entropy")
    job.begin()
    trial = job.trial({"seed": 0})
    trial.folder(tmp_path).mkdir()
    lines = [
        {"step": step, "split": "validation", "values": {"cross_entropy": value}}
        for step, value in ((8, 3.0), (12, 2.0), (16, 1.0))
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (trial.folder(tmp_path) / "metrics.jsonl").write_text(text)
    training = Training.__new__(Training)
    training.setup({"seed": 0}, job)
    result = training.step()
    training.cleanup()
    assert result == {LOSS: 2.0, TRAINING_ITERATION: 4}
    record = json.loads((trial.folder(tmp_path) / "pruned.json").read_text())
    assert record == {"step": 12, "target": "cross_entropy", "value": 2.0}


def test_a_trial_whose_plot_failed_has_the_value_of_its_results(tmp_path):
    from ray.tune.result import TRAINING_ITERATION

    from genlab.sweep.ray_trial import LOSS, Job, Training

    training = Training.__new__(Training)
    training._job = Job(VAE, {"devices": "1"}, tmp_path, Path.cwd(), "kl")
    training._trial = trial = training._job.trial({"seed": 0})
    training._begin, training._end = 0, trial.steps
    folder = trial.folder(tmp_path)
    folder.mkdir()
    assert "failed" in training._outcome(1)
    (folder / "results.json").write_text(
        json.dumps({"step": trial.steps, "metrics": {}, "failed": {"plot": "why"}})
    )
    line = {"step": trial.steps, "split": "validation", "values": {"kl": 2.0}}
    (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    assert training._outcome(1) == {LOSS: 2.0, TRAINING_ITERATION: trial.steps}


@pytest.mark.parametrize(
    ("nodes", "taken"),
    [
        ([{"CPU": 8.0}, {"CPU": 4.0}], {"cpu": 4.0}),
        ([{"memory": 1.0}, {"CPU": 2.0}], {"cpu": 2.0}),
        ([{"CPU": 8.0}, {"CPU": 16.0, "GPU": 4.0}], {"cpu": 1, "gpu": 1}),
    ],
)
def test_a_trial_takes_a_gpu_or_a_node(nodes, taken, monkeypatch):
    import ray

    alive = [{"Alive": True, "Resources": resources} for resources in nodes]
    dead = {"Alive": False, "Resources": {"CPU": 1.0, "GPU": 1.0}}
    monkeypatch.setattr(ray, "nodes", lambda: [*alive, dead])
    assert ray_tune._resources() == taken


def test_no_ray_is_answered_in_one_line(monkeypatch, tmp_path):
    trials = resolve(VAE, {}, space.seeds(1))
    for module in ("ray", "ray.tune"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"pip install -e '.+\[ray\]'"):
        ray_tune.train(VAE, {}, tmp_path, trials, Stop())


def test_a_cluster_that_is_silent_is_answered_in_time(monkeypatch, tmp_path):
    monkeypatch.setattr(ray_tune, "PATIENCE", 3.0)
    trials = resolve(VAE, {}, space.seeds(1))
    begun = time.monotonic()
    with pytest.raises(InputError, match="127.0.0.1:1: no Ray cluster answers"):
        ray_tune.train(VAE, {}, tmp_path, trials, Stop(), address="127.0.0.1:1")
    assert time.monotonic() - begun < 30


def test_trials_trust_what_the_command_trusts(tmp_path, monkeypatch):
    from genlab.sweep import process
    from genlab.sweep.ray_trial import Training

    said = []

    def trains(trial, path, common, sweep, *, watch, cwd):
        said.append("--trust" in trial.command(path, common, sweep))
        return EXIT_STOPPED

    monkeypatch.setattr(process, "run", trains)
    for trusted in (False, True):
        with trust.command():
            if trusted:
                trust.everything()
            job = ray_tune._job(VAE, {}, tmp_path, "negative_elbo")
        with trust.command():  # as on another node
            training = Training.__new__(Training)
            training.setup({"seed": 0}, job)
            training._process.result()
    assert said == [False, True]
