"""Successive halving inside a population: at each rung the worse half of the trials ends.

Paper: Jamieson & Talwalkar 2016, arXiv:1502.07943
"""

import json
import logging
import math
from pathlib import Path
from typing import Any

import numpy as np

from genlab.config.stage import stages_of
from genlab.errors import InputError
from genlab.process.signals import Stop
from genlab.storage import sidefile
from genlab.storage.files import write_atomic
from genlab.sweep import mode
from genlab.sweep.member import Member, check_target
from genlab.sweep.population import Population, parts_of
from genlab.trials import pruned
from genlab.trials.trial import Trial

FACTOR = 2

_log = logging.getLogger("genlab")


def rungs(trials: list[Trial]) -> list[int]:
    """Rounds of the run after which trials end, ascending.

    The last stage's rounds divided by 2, 4, ..., rounded up to rounds at which the target is
    measured, and as many as leave one of the trials.

    Raises:
      InputError: the target is never measured during training, or not after the same rounds in all
        trials.
    """
    plans = {
        (trial.config["eval"]["every"], stage.begin, stage.end)
        for trial in trials
        for stage in stages_of(trial.config)[-1:]
    }
    (every, begin, end), *others = sorted(plans)
    if others:
        raise InputError(
            "--pruner=halving compares trials after the same rounds; these differ in eval.every or"
            f" train.steps: {every} of {end}, {others[0][0]} of {others[0][2]}"
        )
    if not every:
        raise InputError(
            "--pruner=halving looks at the target during training; give eval.every a period"
        )
    found = set()
    for power in range(1, int(math.log(len(trials), FACTOR)) + 1):
        rounds = begin + (end - begin) / FACTOR**power
        measured = math.ceil(rounds / every) * every
        if begin < measured < end:
            found.add(measured)
    return sorted(found)


def train(trials: list[Trial], sweep: Path, stop: Stop, target: str) -> None:
    """Trains the trials as populations that halve at every rung; decisions stand in `rungs.json`.

    Args:
      trials: of one or several groups; they are compared with each other all together.
      sweep: the folder of the sweep.
      stop: a signal ends it after the population has saved.
      target: the value to minimise as it is measured during training, on `eval.split`; `-NAME`
        maximises.

    Raises:
      InputError: trials that are not measured after the same rounds, or a folder whose populations were trained in another mode.
      Stopped: a signal asked to stop; the population is saved.
    """
    steps = rungs(trials)
    mode.claim(sweep, pruner="halving", target=target)
    path = sweep / "rungs.json"
    # Those of a damaged file are made again, by the populations that stand at the rungs.
    decisions = sidefile.read(path, _are_decisions) or {}
    names = sorted(trial.name for trial in trials)
    if decisions.setdefault("trials", names) != names:
        raise InputError(
            f"{str(path)!r} has the decisions of another sweep's trials; name another folder"
            " with --workdir=DIR"
        )
    if not path.exists():
        pruned.forget(trials, sweep)
    alive = trials
    for rung in steps:
        alive = _climb(alive, rung, decisions, sweep, stop, target)
        _log.info(
            "after %d rounds %d of %d trials go on", rung, len(alive), len(trials)
        )
    for part in parts_of(alive):
        if any(trial.results(sweep) is None for trial in part):
            Population(part, sweep).train(stop)


def _are_decisions(content: Any) -> bool:
    rungs = [decided for rung, decided in content.items() if rung != "trials"]
    kept = [name for decided in rungs for name in decided["kept"]]
    return all({*decided["kept"]} <= {*decided["values"]} for decided in rungs) and all(
        isinstance(name, str) for name in (*content["trials"], *kept)
    )


def _climb(
    alive: list[Trial],
    rung: int,
    decisions: dict[str, Any],
    sweep: Path,
    stop: Stop,
    target: str,
) -> list[Trial]:
    """Trains to the rung, ends the losers there and hands the others to their populations.

    Every step of it may be cut and done again: the decision is written before anything follows
    from it, and a population that stands at the rung trains nothing.
    """
    decided = decisions.get(str(rung))
    if decided:
        kept = [trial for trial in alive if trial.name in decided["kept"]]
        children = [Population(part, sweep) for part in parts_of(kept)]
        if all(child.checkpoints.newest() for child in children):
            return kept
    members, states = {}, {}
    for part in parts_of(alive):
        population = Population(part, sweep)
        crowd = population.train(stop, rung)
        if (step := int(np.max(crowd.state.step))) != rung:
            raise InputError(
                f"the population in {str(sweep)!r} has done {step} rounds,"
                f" more than the {rung} after which it is halved; name another folder with"
                " --workdir=DIR"
            )
        for index, member in enumerate(population.members):
            members[member.trial.name] = member
            states[member.trial.name] = population.state(crowd, index)
    if not decided:
        decided = _decide(alive, members, target)
        decisions[str(rung)] = decided
        write_atomic(sweep / "rungs.json", json.dumps(decisions, indent=1))
    kept = [trial for trial in alive if trial.name in decided["kept"]]
    for trial in alive:
        if trial not in kept:
            value = decided["values"][trial.name]
            members[trial.name].prune(states[trial.name], target, value)
    for part in parts_of(kept):
        Population(part, sweep).adopt(states)
    return kept


def _decide(
    alive: list[Trial], members: dict[str, Member], target: str
) -> dict[str, Any]:
    """Who goes on: the better half by the target, ties in the order of the sweep."""
    check_target(members.values(), target)
    best = sorted(alive, key=lambda trial: members[trial.name].score(target))
    kept = best[: math.ceil(len(alive) / FACTOR)]
    values = {
        trial.name: members[trial.name].values.get(target.removeprefix("-"))
        for trial in alive
    }
    return {"values": values, "kept": [trial.name for trial in kept]}
