"""A run folder as its files stand: finished, running or killed half-way through a line."""

import dataclasses
import math
import operator
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from genlab.config.stage import stages_of
from genlab.errors import InputError
from genlab.reporting.probes import FILE, Probes, read_probes
from genlab.run.folder import results_file
from genlab.storage import sidefile

# A GAN's sample grid of a long run: enough to see it move, little enough for one page.
MAX_PICTURES = 24

SLOWEST, MOST_ROUNDS = 1e-9, 2**60  # per second, in a line; others no run writes

TIME = "time"  # the split of speed and memory, which belong to no player

_PICTURE = re.compile(r"(?P<plot>.+)-(?P<step>\d+)\.png")


@dataclasses.dataclass(frozen=True)
class Curve:
    """One metric of one split over the steps.

    Attributes:
      player: whose metric it is, "" where the name has no player.
      term: the name below the player, `loss`.
      split: `train`, `validation`, `test` or `time`.
      steps: rounds done, ascending, one for each value.
      values: finite values.
      broken: steps at which the value was not finite.
    """

    player: str
    term: str
    split: str
    steps: list[int]
    values: list[float]
    broken: list[int]

    @property
    def name(self) -> str:
        """The metric's name, its player's before it."""
        return f"{self.player}/{self.term}" if self.player else self.term


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run folder holds.

    Attributes:
      name: the folder's name.
      record: config.json.
      curves: the metrics, in the order in which they were first written.
      results: results.json, None where there is none yet.
      best: results-best.json, those of the best checkpoint; None where none is told from the newest.
      pictures: plot -> (step, file) in ascending order, at most `MAX_PICTURES`.
      step: the last step that any file speaks of.
      unreadable: lines of metrics.jsonl that are not whole.
      probes: what probe.json holds; None where there is none.
    """

    name: str
    record: dict[str, Any]
    curves: list[Curve]
    results: dict[str, Any] | None
    best: dict[str, Any] | None
    pictures: dict[str, list[tuple[int, Path]]]
    step: int
    unreadable: int
    probes: Probes | None = None

    @property
    def class_names(self) -> list[str]:
        """The names of the data's classes, as far as the run says."""
        found = self.fact("class_names")
        return [str(name) for name in found] if isinstance(found, list) else []

    @property
    def training_seconds(self) -> float | None:
        """Seconds in which rounds were trained; None for a run that did not measure its speed."""
        return training_seconds(self.curves)

    def fact(self, name: str) -> Any:
        """One of the facts of the run's data; None where config.json has none."""
        data = self.record.get("data")
        facts = data.get("facts") if isinstance(data, dict) else None
        return facts.get(name) if isinstance(facts, dict) else None

    @property
    def planned_steps(self) -> int | None:
        """Rounds that the config asks for, None where it has no single number."""
        return planned_steps(self.record["config"])


def read_run(workdir: Path) -> Run:
    """Reads a run folder.

    Raises:
      InputError: the folder has no config.json, or it has no config.
    """
    workdir = Path(workdir)
    if not (workdir / "config.json").is_file():
        raise InputError(
            f"no config.json in {str(workdir)!r}: name the folder of a run, as given by"
            " --workdir when it was trained"
        )
    record = sidefile.read(
        workdir / "config.json", lambda record: isinstance(record["config"], dict)
    )
    if record is None:
        raise InputError(
            f"{str(workdir / 'config.json')!r} is not JSON with an object under 'config'"
        )
    curves, unreadable = read_metrics(workdir / "metrics.jsonl")
    results, best = (
        sidefile.read_object(workdir / results_file(of_best))
        for of_best in (False, True)
    )
    pictures = find_pictures(workdir / "samples")
    steps = [step for curve in curves for step in (*curve.steps, *curve.broken)]
    steps += [step for shots in pictures.values() for step, _ in shots]
    if results and isinstance(results.get("step"), int):
        steps.append(results["step"])
    return Run(
        name=workdir.resolve().name,
        record=_record(record),
        curves=curves,
        results=_results(results) if results else None,
        best=_results(best) if best else None,
        pictures={plot: thin(shots) for plot, shots in pictures.items()},
        step=max(steps, default=0),
        unreadable=unreadable,
        probes=read_probes(workdir / FILE),
    )


def training_seconds(curves: list[Curve]) -> float | None:
    """Seconds of all rounds by the logged speed, without compiling and evaluating; None without one."""
    for curve in curves:
        if curve.split == TIME and curve.name == "rounds_per_second":
            rounds = map(operator.sub, curve.steps, [0, *curve.steps])
            pairs = list(zip(rounds, curve.values, strict=True))
            if all(speed > SLOWEST and count < MOST_ROUNDS for count, speed in pairs):
                return sum(count / speed for count, speed in pairs)
    return None


def planned_steps(config: dict[str, Any]) -> int | None:
    """Rounds that a plain config asks for, those of all its stages; None where it does not say."""
    try:
        steps = stages_of({"stages": [], **config})[-1].end
    except (InputError, KeyError, TypeError, AttributeError):  # something else wrote it
        return None
    return steps if isinstance(steps, int) else None


def read_metrics(path: Path) -> tuple[list[Curve], int]:
    """The curves in metrics.jsonl, and how many of its lines are not whole, which is said.

    A resumed run writes some steps again: the later line counts. A missing file is an empty one.
    """
    points: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    unreadable = 0
    lines = (sidefile.content_of(path) or b"").split(b"\n")
    for line in filter(None, map(bytes.strip, lines)):
        if (row := sidefile.metrics_line(line)) is None:
            unreadable += 1
            continue
        for name, value in row["values"].items():
            points[row["split"], name][row["step"]] = _number(value)
    if unreadable:
        sidefile.pass_over(
            path, f"{unreadable:,} of its lines are damaged, the others count"
        )
    return [_curve(*key, values) for key, values in points.items()], unreadable


def find_pictures(folder: Path) -> dict[str, list[tuple[int, Path]]]:
    """The pictures `<plot>-<step>.png` of each plot, (step, file) in ascending order."""
    pictures = defaultdict(list)
    for path in sorted(folder.glob("*.png")):
        if match := _PICTURE.fullmatch(path.name):
            pictures[match["plot"]].append((int(match["step"]), path))
    return {plot: sorted(shots) for plot, shots in pictures.items()}


def thin(shots: list, *, most: int = MAX_PICTURES) -> list:
    """At most `most` items, evenly spread, with the first and the last."""
    if len(shots) <= most:
        return shots
    return [shots[round(i * (len(shots) - 1) / (most - 1))] for i in range(most)]


def _curve(split: str, name: str, points: dict[int, float]) -> Curve:
    player, slash, term = name.partition("/")
    if not slash or split == TIME:
        player, term = "", name
    finite = sorted((s, v) for s, v in points.items() if math.isfinite(v))
    return Curve(
        player=player,
        term=term,
        split=split,
        steps=[step for step, _ in finite],
        values=[value for _, value in finite],
        broken=sorted(s for s, v in points.items() if not math.isfinite(v)),
    )


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _record(record: dict[str, Any]) -> dict[str, Any]:
    """What config.json says beside the config, without what a run does not write so."""
    kinds = {"overrides": dict, "versions": dict, "devices": list, "parameters": dict}
    kept = {
        key: value
        for key, value in record.items()
        if isinstance(value, kinds.get(key, object))
    }
    parameters = kept.get("parameters", {}).items()
    kept["parameters"] = {name: p for name, p in parameters if _is_parameter(p)}
    return kept


def _is_parameter(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and type(entry.get("count")) is int
        and isinstance(entry.get("shape"), list)
        and "dtype" in entry
    )


def _values(found: Any) -> dict[str, float | None]:
    """Numbers by name, None for one that is not finite."""
    return {
        name: value
        for name, value in (found if isinstance(found, dict) else {}).items()
        if sidefile.is_number_or_none(value)
    }


def _intervals(found: Any) -> dict[str, list[float]]:
    """Pairs of finite numbers by name."""
    return {
        name: pair
        for name, pair in (found if isinstance(found, dict) else {}).items()
        if isinstance(pair, list)
        and len(pair) == 2
        and None not in pair
        and all(map(sidefile.is_number_or_none, pair))
    }


def _results(results: dict[str, Any]) -> dict[str, Any]:
    """Step, metrics, failures and alarms, without what an evaluation does not write so."""
    metrics, failed = results.get("metrics"), results.get("failed")
    alarms = results.get("alarms")
    step = results.get("step")
    return {
        "step": step if type(step) is int else None,
        "measured": results.get("measured"),
        "metrics": {
            name: {
                "values": _values(result.get("values")),
                "protocol": p if isinstance(p := result.get("protocol"), dict) else {},
                "intervals": _intervals(result.get("intervals")),
            }
            for name, result in (metrics if isinstance(metrics, dict) else {}).items()
            if isinstance(result, dict)
        },
        "failed": {
            name: str(reason)
            for name, reason in (failed if isinstance(failed, dict) else {}).items()
        },
        "alarms": [str(told) for told in (alarms if isinstance(alarms, list) else [])],
    }
