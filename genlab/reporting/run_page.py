"""What the page of a run shows, as the template takes it."""

from typing import Any

from genlab.reporting import outcome, pictures
from genlab.reporting.charts import chart_groups
from genlab.reporting.pictures import Shot
from genlab.reporting.run import TIME, Run


def parts(run: Run) -> dict[str, Any]:
    """Everything that `run.html` names."""
    groups = chart_groups(run.curves)
    metrics = outcome.metrics_of(run)
    headline = outcome.headline(run, metrics)
    planned = run.planned_steps
    return {
        "title": run.name,
        "step": run.step,
        "planned": planned if planned and planned > 0 else None,
        "facts": facts(run),
        "times": times(run),
        "headline": headline,
        "results": run.results,
        "metrics": metrics,
        "best": best_of(run),
        "probes": run.probes,
        "films": films(run),
        "has_pictures": bool(run.pictures),
        "groups": {_heading(name): charts for name, charts in groups.items()},
        "unreadable": run.unreadable,
        "players": players(run),
        "config": run.record["config"],
        "overrides": run.record.get("overrides") or {},
        "command": run.record.get("command"),
        "versions": versions(run),
        "data": [chart for charts in groups.values() for chart in charts],
    }


def best_of(run: Run) -> dict[str, Any] | None:
    """What the best checkpoint is best by, after how many rounds, and its metrics; None without one."""
    section = run.record["config"].get("eval")
    by = section.get("best") if isinstance(section, dict) else None
    if not by or not run.best or run.best["step"] is None:
        return None
    return {
        "by": by,
        "step": run.best["step"],
        "newest": run.results is not None and run.best["step"] == run.results["step"],
        "metrics": outcome.metrics_of(run, best=True),
    }


def facts(run: Run) -> dict[str, Any]:
    """The run's names and sizes: experiment, data, parameters, devices, seed."""
    config = run.record["config"]
    parameters = run.record.get("parameters") or {}
    pairs = {
        "experiment": _named(config.get("experiment")),
        "data": _named(config.get("data")),
        "parameters": f"{sum(entry['count'] for entry in parameters.values()):,}",
        "classes": _enumerated(run.class_names),
        "left out": _enumerated(_counted(run.fact("left_out"))),
        "devices": _devices(run.record.get("devices")),
        "operations": _operations(run),
        "seed": config.get("seed"),
    }
    return {name: value for name, value in pairs.items() if value not in (None, "")}


def _operations(run: Run) -> str:
    """Of a round and in a second, as logged last; empty where they were not."""
    last = {
        curve.name: curve.values[-1]
        for curve in run.curves
        if curve.split == TIME and curve.values
    }
    speed, rate = last.get("gigaflops_per_second"), last.get("rounds_per_second")
    if not speed or not rate:
        return ""
    told = f"{speed / rate:.3g} GFLOP a round, {speed:,.3g} GFLOP/s"
    if share := last.get("share_of_peak"):
        told += f", {share:.1%} of the devices' peak"
    if (stall := last.get("data_stall_share")) is not None:
        told += f"; waits for data {stall:.1%} of the time at most"
    return told


def times(run: Run) -> dict[str, Any]:
    """When the run began and was measured, and the seconds that it trained; None where unknown."""
    return {
        "began": run.record.get("began"),
        "measured": (run.results or {}).get("measured"),
        "training": run.training_seconds,
    }


def films(run: Run) -> dict[str, list[Shot]]:
    """The pictures of each plot, the newest first, as many as the page has room for."""
    plots = sorted(run.pictures, key=lambda plot: (plot != "samples", plot))
    room = pictures.MAX_BYTES // max(1, len(plots))
    found = {}
    for plot in plots:
        read = (pictures.shot(step, path) for step, path in run.pictures[plot])
        shots = [shot for shot in read if shot is not None]
        if shots:
            kept = pictures.within(shots, room, lambda shot: shot.size)
            found[plot] = kept[::-1]
    return found


def players(run: Run) -> dict[str, dict[str, Any]]:
    """Player -> its parameters by name, without the player."""
    found: dict[str, dict[str, Any]] = {}
    for name, parameter in (run.record.get("parameters") or {}).items():
        player, _, rest = name.partition("/")
        found.setdefault(player, {})[rest or player] = parameter
    return found


def versions(run: Run) -> dict[str, Any]:
    """The commit, the devices and the versions: what repeats the run beside its command."""
    record = run.record
    repository = record.get("repository")
    own = {}
    if isinstance(repository, dict):
        own = {"repository": f"{repository.get('root')} at {_commit(repository)}"}
    return {
        "git commit": _commit(record.get("git")) or "not in a git checkout",
        **own,
        "devices": _devices(record.get("devices")),
        **(record.get("versions") or {}),
    }


def _heading(group: str) -> str:
    return "speed and memory" if group == TIME else group or "run"


def _named(part: Any) -> Any:
    return part.get("name") if isinstance(part, dict) else part


def _counted(found: Any) -> list[str]:
    counts = found if isinstance(found, dict) else {}
    return [f"{count} {what}" for what, count in counts.items()]


def _enumerated(names: list[str]) -> str:
    told = ", ".join(names)
    return told if len(told) <= 200 else told[:200] + " ..."


def _commit(found: Any) -> str:
    """A commit as config.json has it: once a string, now with whether its tree had changes."""
    if not isinstance(found, dict):
        return found if isinstance(found, str) else ""
    return f"{found.get('commit')}{' with changes' if found.get('dirty') else ''}"


def _devices(devices: list[Any] | None) -> str:
    """`4 × cpu` for four of a kind."""
    devices = devices or []
    kinds = {str(kind): devices.count(kind) for kind in devices}
    return ", ".join(f"{n} × {kind}" if n > 1 else kind for kind, n in kinds.items())
