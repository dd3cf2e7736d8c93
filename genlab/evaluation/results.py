"""The results of a run: its metrics on the final split with their protocols, and the report."""

import contextlib
import json
import logging
from pathlib import Path
from typing import Any

import jax

from genlab.errors import InputError, PartFailed
from genlab.evaluation import evaluate
from genlab.evaluation.alarm import alarms_of
from genlab.game.turn import State
from genlab.metrics.measurement import Measurement
from genlab.process import display
from genlab.process.duration import now
from genlab.registry import metrics
from genlab.run.folder import read_results, results_file
from genlab.storage.checkpoint import Checkpoints
from genlab.storage.files import write_atomic
from genlab.storage.writer import finite_or_none
from genlab.trained.trained import Trained

_log = logging.getLogger("genlab")


def measurements(
    workdir: Path, step: int, file: str = "results.json"
) -> dict[str, Measurement]:
    """What the results of the state after `step` rounds hold, by metric; empty without them.

    A value that was not finite is None.
    """
    record = read_results(workdir, step, file) or {"metrics": {}}
    return {
        name: Measurement(
            found["values"],
            found["protocol"],
            {name: tuple(ends) for name, ends in found.get("intervals", {}).items()},
        )
        for name, found in record["metrics"].items()
    }


def as_record(results: dict[str, Measurement]) -> dict[str, dict[str, Any]]:
    """Measurements by metric as a file holds them; a value that is not finite is None."""
    return {
        name: {
            "values": finite_or_none(result.values),
            "intervals": result.intervals,
            "protocol": result.protocol,
        }
        for name, result in results.items()
    }


def write_newest_and_best(
    workdir: Path,
    trained: Trained,
    state: State,
    config: dict[str, Any],
    checkpoints: Checkpoints,
    begin: int = 0,
    failures: evaluate.Failures | None = None,
) -> dict[str, Any]:
    """The results of the newest state, and where the config says by what, of the best as well.

    Args:
      workdir: the run folder.
      trained: the view on the model.
      state: the newest.
      config: the run's plain config.
      checkpoints: of the run; its best is looked at if it is of the same stage.
      begin: rounds of the run before this stage.
      failures: metrics and plots that failed before.

    Returns:
      What the file of the newest holds.

    Raises:
      PartFailed: as `write_results`, of the newest.
    """
    newest, file = int(state.step), results_file(best=True)
    best = _best_of(checkpoints, state, begin) if config["eval"]["best"] else None
    if best is not None and int(best.step) != newest:
        with contextlib.suppress(PartFailed):  # the file says so
            write_results(workdir, trained.at(best), config, file=file)
    same = best is not None and int(best.step) == newest
    known = {"failures": failures, "also": file if same else ""}
    return write_results(workdir, trained.at(state), config, **known)


def _best_of(checkpoints: Checkpoints, like: State, begin: int) -> State | None:
    """The best state of the stage that begins after `begin` rounds; None where there is none to read."""
    try:
        step = checkpoints.newest(best=True)
        if step is None or step <= begin:
            return None
        return checkpoints.read(step, jax.eval_shape(lambda: like), best=True)
    except (InputError, FileNotFoundError) as error:
        _log.warning("the best state is not measured: %s", error)
        return None


def write_results(
    workdir: Path,
    trained: Trained,
    config: dict[str, Any],
    chosen: Any = None,
    file: str = "results.json",
    failures: evaluate.Failures | None = None,
    also: str = "",
) -> dict[str, Any]:
    """Measures on the final split; writes the results and the report.

    Args:
      workdir: the run folder.
      trained: the model.
      config: the run's plain config.
      chosen: metrics that are measured beside what is known of the same step; None takes those of
        the config and measures all anew.
      file: name of the results in the run folder.
      failures: metrics and plots that failed before.
      also: a second file that gets the same.

    Returns:
      What the file holds.

    Raises:
      InputError: a chosen metric that cannot serve the model or its data; nothing is written.
      PartFailed: a metric or plot failed; the results of all others and the report are written.
    """
    from genlab.reporting.report import write_report

    section, failures = config["eval"], dict(failures or {})
    if chosen is not None:
        evaluate.check(trained.experiment, trained.data, metrics, chosen)
    known = None if chosen is None else read_results(workdir, trained.step, file)
    results = evaluate.measure(
        trained,
        section["final_split"],
        [*section["metrics"], *section["final_metrics"]] if chosen is None else chosen,
        section["batch_size"],
        failures if chosen is None else None,
        known["metrics"] if known else None,
    )
    measured = as_record(results)
    failures = {name: why for name, why in failures.items() if name not in measured}
    failed = failures
    if known:
        before = {n: w for n, w in known.get("failed", {}).items() if n not in measured}
        failed = {**before, **failures}
        measured = {**known["metrics"], **measured}
    record = {"step": trained.step, "measured": now(), "metrics": measured}
    record |= {"failed": failed} if failed else {}
    newest = file == results_file(best=False)
    if newest and (told := alarms_of(trained.experiment, workdir)):
        record["alarms"] = list(told)
    if trained.data.left_out:
        record["left_out"] = dict(trained.data.left_out)
    for name in filter(None, (also, file)):
        write_atomic(workdir / name, json.dumps(record, indent=1))
    with display.doing("writing the report"):
        write_report(workdir)
    evaluate.raise_failures(failures)
    return record
