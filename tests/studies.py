"""Studies whose trials are written, not trained: what searches are tested on."""

import json
import os
import time

import pytest
import recipes

from genlab.errors import EXIT_STOPPED
from genlab.sweep.search import Search
from genlab.sweep.study import Study
from genlab.trials.manifest import Manifest, write
from genlab.trials.space import Integers, Uniform

optuna = pytest.importorskip("optuna", reason="searches need the extra `sweep`")
RING = str(recipes.CONFIGS / "gan_ring.py:tiny")
TARGET = "-mode_coverage/high_quality_share"
RATE = "optimizer.generator.learning_rate"
SPACE = {RATE: Uniform(1e-4, 1e-2, log=True), "seed": Integers(0, 9)}
EVALUATED = {"eval.every": "1", "train.steps": "8"}


class Writing:
    """A pool that trains nothing: it writes what a run would, `values(trial)` a round each."""

    workers = 1

    def __init__(self, sweep, values=lambda trial: [trial.overrides[RATE]] * 8):
        self.sweep, self.values, self.trained = sweep, values, []
        self.stopping = False

    def run(self, trial, watch):
        folder = trial.folder(self.sweep)
        folder.mkdir(exist_ok=True)
        self.trained.append(trial)
        for step, value in enumerate(self.values(trial), 1):
            values = {TARGET.removeprefix("-"): value}
            line = {"step": step, "split": "validation", "values": values}
            with (folder / "metrics.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
            if watch():
                return EXIT_STOPPED
        # On the final split, which says nothing of who is best.
        write_results(folder, 1.0 - (value or 0.0))
        return 0

    def wait(self, jobs, stop):
        for job in jobs:
            job.result()


class Killed(Writing):
    """One that dies, as the process around it would, when it is to train its n-th trial."""

    def __init__(self, sweep, after):
        super().__init__(sweep)
        self.after = after

    def run(self, trial, watch):
        if len(self.trained) == self.after:
            raise KeyboardInterrupt
        return super().run(trial, watch)


def write_results(folder, value):
    measured = {"values": {"high_quality_share": value}, "protocol": {}}
    record = {"step": 8, "metrics": {"mode_coverage": measured}}
    (folder / "results.json").write_text(json.dumps(record))


def study_of(sweep, **knobs):
    defaults = {"space": SPACE, "target": TARGET, "trials": 14}
    write(sweep, Manifest(command="", config=RING, common=EVALUATED, engine="local"))
    return Study(RING, EVALUATED, sweep, Search(**{**defaults, **knobs}))


def trials_of(sweep):
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(sweep / "study.journal"))
    )
    return optuna.load_study(study_name=sweep.name, storage=storage).trials


def outcomes(sweep):
    return [(trial.params, trial.value) for trial in trials_of(sweep)]


def meet(folder, count):
    """Returns when `count` processes have called it, so that none is done before another starts."""
    folder.mkdir(exist_ok=True)
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < count:
        time.sleep(0.01)
