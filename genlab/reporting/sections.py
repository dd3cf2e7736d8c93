"""The sections of the page as HTML; every text from the run is escaped here."""

import base64
import json
from pathlib import Path
from typing import Any

from genlab.reporting.charts import chart_groups
from genlab.reporting.markup import definitions, empty, script_json, short, text, words
from genlab.reporting.run import TIME, Run
from genlab.storage.sidefile import read_picture

LARGE = 4  # values of a metric that are shown large


def status(run: Run) -> str:
    """How far the run has come, and a bar of it."""
    planned = run.planned_steps
    if planned is None or planned < 1:
        return f'<p class="status">{run.step:,} rounds</p>'
    done = run.step >= planned
    word = "Finished" if done else "Not finished"
    return (
        f'<p class="status{" done" if done else ""}"><strong>{word}</strong>'
        f"<span>{run.step:,} of {planned:,} rounds</span>"
        f'<progress max="{planned}" value="{min(run.step, planned)}"'
        f' aria-label="rounds done"></progress></p>'
    )


def facts(run: Run) -> str:
    """The run's names and sizes: experiment, data, parameters, devices, seed."""
    config = run.record["config"]
    pairs = {
        "experiment": _named(config.get("experiment")),
        "data": _named(config.get("data")),
        "parameters": f"{sum(p['count'] for p in _parameters(run).values()):,}",
        "classes": _names(run, "class_names"),
        "left out": _names(run, "left_out"),
        "devices": _devices(run.record.get("devices")),
        "seed": config.get("seed"),
    }
    shown = {name: value for name, value in pairs.items() if value not in (None, "")}
    return definitions(shown, kind="facts")


def _names(run: Run, fact: str) -> str:
    """The names, or the counted names, among the facts of the run's data."""
    data = run.record.get("data")
    facts = data.get("facts") if isinstance(data, dict) else None
    found = facts.get(fact) if isinstance(facts, dict) else None
    if isinstance(found, dict):
        found = [f"{count} {what}" for what, count in found.items()]
    told = ", ".join(map(str, found)) if isinstance(found, list) else ""
    return told if len(told) <= 200 else told[:200] + " ..."


def results(run: Run) -> str:
    """One card for each evaluated metric: its first values large, the others and its protocol beneath."""
    if run.results is None:
        return empty("No evaluation yet: results.json is written by the eval command.")
    cards = []
    for name, result in run.results.get("metrics", {}).items():
        intervals = result.get("intervals", {})
        found = list(result.get("values", {}).items())
        values = "".join(
            f"<div><dt>{words(key)}</dt><dd>{text(short(value))}"
            f"{_interval(intervals.get(key))}</dd></div>"
            for key, value in found[:LARGE]
        )
        others = {key: short(value) for key, value in found[LARGE:]}
        beneath = "".join(
            definitions(rows, kind="protocol")
            for rows in (others, result.get("protocol", {}))
            if rows
        )
        cards.append(
            f'<article class="card"><h3>{words(name)}</h3>'
            f'<dl class="values">{values}</dl>{beneath}</article>'
        )
    for name, reason in run.results.get("failed", {}).items():
        cards.append(
            f'<article class="card"><h3>{words(name)}</h3>'
            f'<p class="note">failed: {text(reason)}</p></article>'
        )
    step = run.results.get("step")
    note = f'<p class="note">Evaluated after {step:,} rounds.</p>' if step else ""
    return f'{note}<div class="cards">{"".join(cards)}</div>'


def _interval(pair: list[float] | None) -> str:
    if pair is None:
        return ""
    low, high = map(short, pair)
    return f' <small title="95 % interval over the examples">{text(low)} to {text(high)}</small>'


def pictures(run: Run) -> str:
    """One figure for each plot, its newest picture first; the script turns it into a film."""
    if not run.pictures:
        return empty("No pictures yet: samples/ is empty.")
    films = []
    plots = sorted(run.pictures, key=lambda plot: (plot != "samples", plot))
    for plot, shots in ((plot, run.pictures[plot]) for plot in plots):
        frames = "".join(_frame(plot, *shot) for shot in reversed(shots))
        if not frames:
            continue
        films.append(
            f'<article class="card film"><h3>{words(plot)}</h3>'
            f'<ol class="frames" tabindex="0" aria-label="{words(plot)}, newest first">'
            f"{frames}</ol></article>"
        )
    if not films:
        return empty("No pictures: those in samples/ cannot be read.")
    return f'<div class="films">{"".join(films)}</div>'


def curves(run: Run) -> tuple[str, str]:
    """Places for the charts, with a table of last values each, and the charts' data as JSON."""
    if not run.curves:
        return empty("No metrics yet: metrics.jsonl is empty."), "[]"
    parts, data = [], []
    for heading, charts in chart_groups(run.curves).items():
        title = "speed and memory" if heading == TIME else heading or "run"
        places = "".join(_chart(chart, len(data) + i) for i, chart in enumerate(charts))
        data += charts
        parts.append(f'<h3>{words(title)}</h3><div class="charts">{places}</div>')
    if run.unreadable:
        parts.append(
            '<p class="note">Lines of metrics.jsonl left out because they are not whole, as'
            f" where a run is killed while it writes: {run.unreadable:,}.</p>"
        )
    return "".join(parts), script_json(data)


def parameters(run: Run) -> str:
    """Totals for each player, and every parameter below."""
    players: dict[str, dict[str, Any]] = {}
    for name, parameter in _parameters(run).items():
        player, _, rest = name.partition("/")
        players.setdefault(player, {})[rest or player] = parameter
    if not players:
        return empty("config.json lists no parameters.")
    tables = []
    for player, entries in players.items():
        total = sum(entry["count"] for entry in entries.values())
        rows = "".join(
            f'<tr><th scope="row">{text(name)}</th>'
            f"<td>{text(' × '.join(map(str, entry['shape'])) or 'scalar')}</td>"
            f"<td>{text(entry['dtype'])}</td><td>{entry['count']:,}</td></tr>"
            for name, entry in entries.items()
        )
        tables.append(
            f"<details><summary><span>{words(player)}</span><span>{total:,}</span>"
            f'</summary><div class="scroll" tabindex="0"><table><thead><tr>'
            f'<th scope="col">parameter</th><th scope="col">shape</th>'
            f'<th scope="col">dtype</th><th scope="col">count</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div></details>"
        )
    return f'<div class="card tables">{"".join(tables)}</div>'


def config(run: Run) -> str:
    """The resolved config as a tree; what the command line overrode is marked."""
    overrides = run.record.get("overrides") or {}
    return f'<div class="card tree">{_tree(run.record["config"], "", overrides)}</div>'


def origin(run: Run) -> str:
    """The command, the commit, the devices and the versions: what repeats the run."""
    record = run.record
    command = record.get("command")
    block = f'<pre tabindex="0"><code>{text(command)}</code></pre>' if command else ""
    pairs = {
        "git commit": _commit(record.get("git")) or "not in a git checkout",
        **_repository(record.get("repository")),
        "devices": _devices(record.get("devices")),
        **(record.get("versions") or {}),
    }
    return f'<div class="card">{block}{definitions(pairs, kind="versions")}</div>'


def _commit(found: Any) -> str:
    """A commit as config.json has it: once a string, now with whether its tree had changes."""
    if not isinstance(found, dict):
        return found if isinstance(found, str) else ""
    return f"{found.get('commit')}{' with changes' if found.get('dirty') else ''}"


def _repository(found: Any) -> dict[str, str]:
    """The user's own repository, where there was one."""
    if not isinstance(found, dict):
        return {}
    return {"repository": f"{found.get('root')} at {_commit(found)}"}


def _frame(plot: str, step: int, path: Path) -> str:
    if (found := read_picture(path)) is None:
        return ""
    content, picture = found
    width, height = picture.size
    source = base64.b64encode(content).decode("ascii")
    scaled = ' class="pixels"' if width < 480 else ""  # a small grid is shown enlarged
    return (
        f'<li data-step="{step}"><figure><img{scaled} width="{width}" height="{height}"'
        f' alt="{words(plot)} after {step:,} rounds"'
        f' src="data:image/png;base64,{source}">'
        f"<figcaption>after {step:,} rounds</figcaption></figure></li>"
    )


def _chart(chart: dict[str, Any], index: int) -> str:
    rows = "".join(
        f'<tr><th scope="row">{words(series["name"])}</th><td>{text(series["split"])}</td>'
        f"<td>{_last(series['values'])}</td><td>{len(series['broken']) or ''}</td></tr>"
        for series in chart["series"]
    )
    return (
        f'<article class="card chart" data-chart="{index}"><h4>{words(chart["title"])}</h4>'
        f'<details><summary>Last values</summary><div class="scroll" tabindex="0"><table>'
        f'<thead><tr><th scope="col">term</th><th scope="col">split</th>'
        f'<th scope="col">last</th><th scope="col">not finite</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details></article>"
    )


def _tree(node: dict[str, Any], prefix: str, overrides: dict[str, Any]) -> str:
    items = []
    for key, value in node.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            inner = _tree(value, f"{path}.", overrides)
            items.append(
                f"<li><details open><summary>{text(key)}</summary>{inner}</details></li>"
            )
            continue
        changed = "<mark>overridden</mark>"
        items.append(
            f"<li><span>{text(key)}</span> <code>{text(json.dumps(value))}</code>"
            f"{changed if path in overrides else ''}</li>"
        )
    return f"<ul>{''.join(items)}</ul>"


def _parameters(run: Run) -> dict[str, dict[str, Any]]:
    return run.record.get("parameters") or {}


def _named(part: Any) -> Any:
    return part.get("name") if isinstance(part, dict) else part


def _devices(devices: list[str] | None) -> str:
    """`4 × cpu` for four of a kind."""
    devices = devices or []
    kinds = {str(kind): devices.count(kind) for kind in devices}
    return ", ".join(f"{n} × {kind}" if n > 1 else kind for kind, n in kinds.items())


def _last(values: list[float]) -> str:
    return text(short(values[-1])) if values else "–"
