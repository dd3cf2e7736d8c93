"""Trials on a Ray cluster: Ray Tune places them, tries them again, and stops losers of a search."""

import contextlib
import importlib
import logging
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab import shipped, trust
from genlab.errors import InputError
from genlab.process.signals import Stop
from genlab.sweep.search import KEPT, Search, distributions, make_sampler
from genlab.sweep.study import Study
from genlab.trials import pruned
from genlab.trials.program import HOME, import_paths
from genlab.trials.trial import Trial

if TYPE_CHECKING:
    import optuna
    from ray.tune.schedulers import TrialScheduler

    from genlab.sweep.ray_trial import Job

PATIENCE = 30.0  # seconds that a cluster has to answer
RETRIES = 5  # of a trial whose node died
BRACKETS = {"halving": 1, "hyperband": 3}

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    # The trials log for themselves.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # A trial that failed has no loss.
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    # Signals are noted by `genlab.process.signals`.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
}
_CONNECT = "import sys, ray; ray.init(sys.argv[1], log_to_driver=False)"


def train(
    path: str,
    common: dict[str, str],
    sweep: Path,
    trials: list[Trial],
    stop: Stop,
    *,
    address: str = "",
) -> None:
    """Trains every trial that has no results yet on the nodes of a cluster.

    A trial is a process in its run folder, which all nodes see under the same path. It takes one
    GPU where the cluster has any, otherwise a whole node's CPUs. A trial whose node dies goes on
    from its checkpoint on another; one that fails is recorded in `failed.txt`.

    Args:
      path: the config of every trial, `configs/dcgan.py:tiny`.
      common: overrides of every trial, as text.
      sweep: the folder of the sweep, shared by the nodes; the caller holds its lock.
      trials: what to train.
      stop: whether a signal asked to stop.
      address: HOST:PORT of a cluster, `auto` for the one that this machine is in, empty for a
        cluster of this machine alone that ends with the sweep.

    Raises:
      InputError: Ray is not installed, or the cluster does not answer.
      Stopped: a signal asked to stop; the running trials have saved and ended.
    """
    waiting = [trial for trial in trials if trial.results(sweep) is None]
    if not waiting:
        return
    pruned.forget(waiting, sweep)
    with _cluster(address) as tune:
        job = _job(path, common, sweep)
        _fit(job, stop, {"trial": tune.grid_search(waiting)})


def search(study: Study, stop: Stop, *, address: str = "") -> list[Trial]:
    """Trains trials of a space that Optuna chooses, on the nodes of a cluster.

    The study is the one that the local engine would keep: each can go on with the other's. A pruner
    is Tune's asynchronous halving, in one bracket or, for hyperband, in three. Optuna is told the
    last value of a trial that was stopped as a loser, and no value of one that failed.

    Args:
      study: how the trials are chosen; its folder is shared by the nodes and has its manifest, and
        the caller holds its lock.
      stop: whether a signal asked to stop.
      address: as for `train`.

    Returns:
      Every trial that the study has, each once.

    Raises:
      InputError: as for `train`, or a target that is not measured.
      Stopped: a signal asked to stop; the running trials have saved and ended.

    Paper: Li et al. 2018, arXiv:1810.05934
    """
    missing = study.search.count - _requeue(study.known)
    if missing > 0:
        with _cluster(address) as tune:
            target = study.search.target
            job = _job(study.path, study.common, study.sweep, target)
            config = tune.TuneConfig(
                search_alg=_searcher(study.known, study.search),
                scheduler=_scheduler(study),
                num_samples=missing,
            )
            _fit(job, stop, {}, config)
    return study.trials()


def _requeue(study: "optuna.Study") -> int:
    """Puts the trials that were cut in front of new ones; returns how many have ended."""
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False)
    for trial in trials:
        # In its place: a copy would count as one more trial, and draw the later ones anew.
        if trial.state == TrialState.RUNNING:
            study._storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)
    return sum(trial.state.is_finished() for trial in trials)


def _searcher(study: "optuna.Study", search: Search) -> Any:
    """Optuna as Tune's searcher, on the study's own storage."""
    from genlab.sweep.ray_trial import LOSS, Searcher

    return Searcher(
        distributions(search.space),
        metric=LOSS,
        mode="min",
        sampler=make_sampler(search),
        study_name=study.study_name,
        storage=study._storage,
    )


def _scheduler(study: Study) -> "TrialScheduler | None":
    """The pruner of a search, its rungs in rounds of training; None to stop nobody."""
    from ray.tune.schedulers import AsyncHyperBandScheduler

    from genlab.sweep.ray_trial import LOSS

    if study.search.pruner == "none":
        return None
    return AsyncHyperBandScheduler(
        metric=LOSS,
        mode="min",
        grace_period=study.every,
        max_t=study.steps,
        reduction_factor=KEPT,
        brackets=BRACKETS[study.search.pruner],
        # Who reached the last round is measured, not stopped.
        stop_last_trials=False,
    )


def _job(path: str, common: dict[str, str], sweep: Path, target: str = "") -> "Job":
    from genlab.sweep.ray_trial import Job

    paths = tuple(import_paths())
    trusted = trust.is_everything()
    return Job(path, common, sweep.absolute(), Path.cwd(), target, paths, trusted)


def _fit(job: "Job", stop: Stop, space: dict[str, Any], config: Any = None) -> None:
    """Runs Tune to the end of the sweep; what it keeps is removed, since run folders have it all."""
    from ray import tune

    from genlab.sweep.ray_trial import Training, Watch

    trainable = tune.with_parameters(Training, job=job)
    shutil.rmtree(job.store, ignore_errors=True)
    job.begin()
    try:
        with warnings.catch_warnings():
            # A trial that is tried again comes by the steps that Optuna knows.
            warnings.filterwarnings("ignore", "The reported value is ignored")
            tune.Tuner(
                tune.with_resources(trainable, _resources()),
                param_space=space,
                tune_config=config,
                run_config=tune.RunConfig(
                    name="tune",
                    storage_path=str(job.store),
                    # Runs keep their own.
                    checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                    failure_config=tune.FailureConfig(max_failures=RETRIES),
                    callbacks=[Watch(job, stop)],
                    verbose=0,
                ),
            ).fit()
    finally:
        shutil.rmtree(job.store, ignore_errors=True)


def _resources() -> dict[str, float]:
    """What a trial takes: a GPU where there is one, else the CPUs of the smallest node."""
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if any(node.get("GPU") for node in nodes):
        return {"cpu": 1, "gpu": 1}
    cpus = [node["CPU"] for node in nodes if node.get("CPU")]
    return {"cpu": min(cpus, default=1)}


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Connects to a cluster, or starts one of this machine alone; yields Ray Tune.

    Raises:
      InputError: Ray Tune is not installed, or the cluster does not answer in PATIENCE seconds.
    """
    os.environ.update(_QUIET)
    try:
        ray = importlib.import_module("ray")
        tune = importlib.import_module("ray.tune")
    except ModuleNotFoundError as error:
        raise InputError(
            f"the ray engine needs Ray Tune ({error}): {shipped.install('ray')}"
        ) from None
    if address:
        _probe(address)
    paths = [str(HOME), *filter(None, [os.environ.get("PYTHONPATH")])]
    # Ray's workers look for modules where the driver is before they look anywhere else.
    with contextlib.chdir(HOME):
        ray.init(
            address or "local",
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(paths)}},
            **({} if address else {"include_dashboard": False}),
        )
    try:
        yield tune
    finally:
        ray.shutdown()


def _probe(address: str) -> None:
    """Connects in a process of its own: Ray tries a dead address for minutes."""
    command = [sys.executable, "-P", "-c", _CONNECT, address]
    try:
        subprocess.run(
            command, check=True, timeout=PATIENCE, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        reason = f"nothing in {PATIENCE:.0f} seconds"
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().splitlines()[-1]
    else:
        return
    raise InputError(
        f"--address={address}: no Ray cluster answers ({reason}); take HOST:PORT of one that"
        " this machine is in, auto, or no --address for this machine alone"
    )
