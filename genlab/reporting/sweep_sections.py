"""The sections of a sweep's page as HTML; every text from the sweep is escaped here."""

import math
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from genlab.reporting.gallery import plot_names, thumbnails
from genlab.reporting.knobs import SEED, Knob, number, spelled, trial_label
from genlab.reporting.markup import definitions, empty, short, text, words
from genlab.reporting.sweep import ENDED, Sweep
from genlab.reporting.trial import TrialRecord

MAX_COPIES = 50  # in the table of them
MAX_OPEN = 10  # failed trials that are shown without being asked for


def status(sweep: Sweep) -> str:
    """How many trials have come to an end, and a bar of it."""
    total = len(sweep.trials)
    ended = sum(trial.state in ENDED for trial in sweep.trials)
    word = "Finished" if ended == total else "Not finished"
    counts = ", ".join(f"{count:,} {state}" for state, count in sweep.counts.items())
    return (
        f'<p class="status{" done" if ended == total else ""}"><strong>{word}</strong>'
        f"<span>{total:,} trial{'s' if total != 1 else ''}: {counts or 'none'}</span>"
        f'<progress max="{max(total, 1)}" value="{ended}"'
        f' aria-label="trials ended"></progress></p>'
    )


def facts(sweep: Sweep, knobs: Sequence[Knob]) -> str:
    """The sweep's own settings, and the overrides that all its trials share."""
    known = sweep.manifest
    pairs = {"config": known.config, "sweep": known.sweep, "engine": known.engine}
    if sweep.target:
        goal = "larger" if sweep.maximize else "smaller"
        pairs["target"] = f"{sweep.target}, {goal} is better"
    pruner = known.pruner if known.pruner != "none" else ""
    pairs |= {"sampler": known.sampler, "pruner": pruner}
    differing = {knob.key for knob in knobs} | {SEED}
    shared = dict(known.common)
    for trial in sweep.trials:
        shared |= {k: v for k, v in trial.overrides.items() if k not in differing}
    seeds = {spelled(trial.overrides, SEED) for trial in sweep.trials}
    if len(seeds) > 1:
        pairs["seeds"] = len(seeds)
    pairs["in all trials"] = _listed(shared)
    shown = {name: value for name, value in pairs.items() if value}
    return definitions(shown, kind="facts")


def table(sweep: Sweep, knobs: Sequence[Knob]) -> str:
    """One row a trial: state, overrides, values; best first by the target."""
    if not sweep.trials:
        return empty("sweep.json lists no trials.")
    seeded = any(SEED in trial.overrides for trial in sweep.trials)
    heads = [("trial", ""), ("state", "")]
    heads += [(knob.label, knob.key) for knob in knobs]
    heads += [(SEED, "")] if seeded else []
    cells = "".join(
        f'<th scope="col" title="{text(full)}">{text(label)}</th>'
        for label, full in heads
    ) + "".join(
        f'<th scope="col" data-value="{index}">{words(name)}</th>'
        for index, name in enumerate(sweep.value_names)
    )
    pages = any(trial.has_report for trial in sweep.trials)
    page = '<th scope="col">page</th>' if pages else ""
    keys = [knob.key for knob in knobs] + ([SEED] if seeded else [])
    rows = "".join(_row(sweep, index, keys, pages) for index in sweep.ranked())
    return (
        '<div class="card"><div class="scroll rows" tabindex="0" role="region"'
        f' aria-label="Trials"><table id="table"><thead><tr>{cells}{page}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></div>"
    )


def troubles(sweep: Sweep) -> str:
    """The trials that failed with the reason of each, those pruned, and those that were cut."""
    parts = [
        _notes(sweep, "failed", "Failed", "reason"),
        _notes(sweep, "pruned", "Stopped early as losers", "where"),
    ]
    if stopped := sweep.counts.get("stopped"):
        parts.append(
            f'<p class="note">Begun and not ended, with nobody at work on them: {stopped:,};'
            " the sweep's command goes on with them.</p>"
        )
    return "".join([*parts, _copies(sweep)])


def command(sweep: Sweep) -> str:
    """The command of the best trial; the script changes it with the trial that is chosen."""
    if not sweep.trials:
        return ""
    best = sweep.trials[sweep.ranked()[0]]
    known = math.isfinite(best.values.get(sweep.target, math.nan))
    title = f"Trial {best.name}"
    if known and sweep.evaluated:
        title = f"The best trial by {sweep.target}"
    return (
        f'<div class="card command"><header><h3>{text(title)}</h3></header>'
        f'<pre tabindex="0"><code>{text(sweep.command(best))}</code></pre></div>'
    )


def gallery(sweep: Sweep, knobs: Sequence[Knob]) -> str:
    """For each plot the newest pictures of the trials, in the order of the table."""
    order, parts = sweep.ranked(), []
    for plot in plot_names(sweep):
        files = thumbnails(sweep, plot, order)
        having = sum(plot in trial.pictures for trial in sweep.trials)
        figures = "".join(
            _figure(plot, index, _label(sweep.trials[index], knobs), *thumbnail)
            for index, thumbnail in files.items()
        )
        some = f"; {len(files):,} of {having:,} trials" if len(files) < having else ""
        parts.append(
            f"<h3>{words(plot)}</h3>"
            f'<p class="note">The newest of each trial, in the order of the table{some}.</p>'
            f'<div class="gallery">{figures}</div>'
        )
    return "".join(parts) or empty("No pictures yet: no trial has any in samples/.")


def origin(sweep: Sweep) -> str:
    """The command that started the sweep and goes on with it."""
    started = text(sweep.manifest.command)
    return f'<div class="card"><pre tabindex="0"><code>{started}</code></pre></div>'


def _row(sweep: Sweep, index: int, keys: Sequence[str], pages: bool) -> str:
    trial = sweep.trials[index]
    knobs = "".join(_setting(trial.overrides.get(key)) for key in keys)
    values = "".join(_cell(trial.values.get(name)) for name in sweep.value_names)
    link = f'<a href="{quote(trial.name)}/report.html">open</a>'
    page = f"<td>{link if trial.has_report else ''}</td>" if pages else ""
    return (
        f'<tr data-trial="{index}"><th scope="row">{text(trial.name)}</th>'
        f'<td class="{trial.state}">{trial.state}</td>{knobs}{values}{page}</tr>'
    )


def _setting(value: Any) -> str:
    known = number(value) if isinstance(value, str) else None  # --grid leaves text
    return _cell(value if known is None else known)


def _cell(value: Any) -> str:
    if value is None:
        return "<td>–</td>"
    if isinstance(value, float) and not math.isfinite(value):
        return '<td class="failed">not finite</td>'
    sortable = isinstance(value, int | float) and not isinstance(value, bool)
    key = f' data-sort="{value!r}"' if sortable else ""
    return f"<td{key}>{text(short(value))}</td>"


def _copies(sweep: Sweep) -> str:
    """The newest copies of members of a population, with the knobs that they went on with."""
    copies = [(copy, trial) for trial in sweep.trials for copy in trial.copies]
    if not copies:
        return ""
    copies.sort(key=lambda pair: -pair[0]["step"])
    rows = "".join(
        f"<tr><td>{copy['step']:,}</td><td>{text(trial.name)}</td>"
        f"<td>{text(copy.get('from', ''))}</td>"
        f'<td class="wide">{text(_listed(copy.get("knobs") or {}))}</td></tr>'
        for copy, trial in copies[:MAX_COPIES]
    )
    return (
        f'<details class="card notes"><summary>Members that copied another: {len(copies):,}'
        '</summary><p class="note">The newest first; the table of trials has the knobs that a'
        ' trial began with.</p><div class="scroll" tabindex="0"><table><thead><tr>'
        '<th scope="col">after rounds</th><th scope="col">trial</th><th scope="col">of</th>'
        f'<th scope="col">knobs</th></tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def _listed(overrides: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {short(value)}" for key, value in overrides.items())


def _label(trial: TrialRecord, knobs: Sequence[Knob]) -> str:
    return trial_label(trial.overrides, knobs) or trial.name


def _figure(
    plot: str, index: int, label: str, file: str, width: int, height: int
) -> str:
    return (
        f'<figure data-trial="{index}"><img width="{width}" height="{height}" loading="lazy"'
        f' alt="{words(plot)} of {text(label)}" src="data:image/png;base64,{file}">'
        f"<figcaption>{text(label)}<b></b></figcaption></figure>"
    )


def _notes(sweep: Sweep, state: str, title: str, column: str) -> str:
    trials: list[TrialRecord] = [t for t in sweep.trials if t.state == state]
    if not trials:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{text(trial.name)}</th>'
        f'<td class="wide">{text(trial.note)}</td>'
        f'<td class="wide">{text(_listed(trial.overrides))}</td></tr>'
        for trial in trials
    )
    opened = " open" if len(trials) <= MAX_OPEN else ""
    return (
        f'<details class="card notes"{opened}><summary>{title}:'
        f' {len(trials):,}</summary><div class="scroll" tabindex="0"><table><thead><tr>'
        f'<th scope="col">trial</th><th scope="col">{column}</th>'
        f'<th scope="col">overrides</th></tr></thead><tbody>{rows}</tbody></table></div></details>'
    )
