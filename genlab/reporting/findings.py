"""What the trials of a sweep say together, for each measured value: importances, statistics."""

import math
from collections.abc import Sequence

from genlab.reporting.importance import MIN_TRIALS, Importances, importances
from genlab.reporting.knobs import Knob
from genlab.reporting.learning import Group
from genlab.reporting.markup import empty, text, words
from genlab.reporting.sweep import Sweep
from genlab.sweep.statistics import Summary, summarize

MAX_FORESTS = 6  # values with importances, about half a second each
MAX_STATISTICS = 12  # values with statistics over seeds


def importance(sweep: Sweep, knobs: Sequence[Knob]) -> str:
    """How much each knob matters, a block for each value; the script shows the chosen one's."""
    if not knobs:
        return empty("The trials differ in no knob but the seed.")
    names = sweep.value_names
    if not names:
        return empty("No trial has finished yet.")
    blocks = []
    for index, name in enumerate(names[:MAX_FORESTS]):
        values = [trial.values.get(name, math.nan) for trial in sweep.trials]
        found = importances(knobs, values)
        finite = sum(map(math.isfinite, values))
        content = _too_few(finite) if found is None else _bars(found)
        blocks.append(_block(index, name, content, heading="h4"))
    if len(names) > MAX_FORESTS:
        blocks.append(_left_out(f"The first {MAX_FORESTS} values have importances."))
    return "".join(blocks)


def statistics(sweep: Sweep, groups: Sequence[Group]) -> str:
    """Mean, standard error and bootstrap interval of each group of seeds, for each value."""
    if all(len(group.trials) < 2 for group in groups):
        return empty("No two trials differ only in their seed.")
    names = sweep.value_names
    if not names:
        return empty("No trial has finished yet.")
    blocks = [
        _block(index, name, _seed_table(sweep, name, groups), heading="h3")
        for index, name in enumerate(names[:MAX_STATISTICS])
    ]
    if len(names) > MAX_STATISTICS:
        blocks.append(_left_out(f"The first {MAX_STATISTICS} values have statistics."))
    return "".join(blocks)


def _block(index: int, name: str, content: str, *, heading: str) -> str:
    hidden = " hidden" if index else ""
    return f'<div class="of-value" data-of="{index}"{hidden}><{heading}>{words(name)}</{heading}>{content}</div>'


def _left_out(sentence: str) -> str:
    return f'<p class="note of-value" data-of="other" hidden>{sentence}</p>'


def _too_few(finite: int) -> str:
    if finite >= MIN_TRIALS:
        return empty("All trials have the same value.")
    return empty(
        f"{finite:,} finished trial{'s' if finite != 1 else ''} with a finite value:"
        f" too few to say which knob matters, it takes {MIN_TRIALS}."
    )


def _bars(found: Importances) -> str:
    largest = max(1e-9, *(mean for mean, _ in found.knobs.values()))
    rows = "".join(
        f'<tr><th scope="row">{text(label)}</th>'
        f"<td>{mean:.2f} ± {spread:.2f}</td>"
        f'<td class="bar"><i style="width: {100 * max(mean, 0) / largest:.0f}%"></i></td></tr>'
        for label, (mean, spread) in found.knobs.items()
    )
    if found.explained <= 0:
        trust = (
            "for unseen trials it predicts no better than the mean, so these numbers say"
            " nothing yet"
        )
    else:
        share = f"{100 * found.explained:.0f} %"
        trust = f"for unseen trials it explains {share} of the spread"
    return (
        f'<table class="bars"><tbody>{rows}</tbody></table>'
        f'<p class="note">Rests on {found.count:,} finished trials. By how much a random forest'
        " that predicts a trial's rank from its knobs gets worse, as a share of the ranks'"
        " variance, when a knob is exchanged between trials that it was not fitted on (mean ±"
        f" standard deviation); {trust}. Knobs that act only together may share an"
        " importance.</p>"
    )


def _seed_table(sweep: Sweep, name: str, groups: Sequence[Group]) -> str:
    sign = -1 if sweep.maximize else 1
    found = []
    for group in groups:
        values = [sweep.trials[index].values.get(name) for index in group.trials]
        finite = [v for v in values if v is not None and math.isfinite(v)]
        if finite:
            found.append((group, summarize(finite)))
    if not found:
        return empty("No trial has a finite value yet.")
    rows = "".join(
        f'<tr><th scope="row">{text(group.label)}</th>'
        f"<td>{summary.count:,} of {len(group.trials):,}</td><td>{summary.mean:.5g}</td>"
        f"<td>{_known(summary.standard_error, '.2g')}</td>"
        f"<td>{_interval(summary)}</td></tr>"
        for group, summary in sorted(found, key=lambda row: sign * row[1].mean)
    )
    return (
        '<div class="card"><div class="scroll rows" tabindex="0"><table><thead><tr>'
        '<th scope="col">trials</th><th scope="col">seeds</th><th scope="col">mean</th>'
        '<th scope="col">standard error</th><th scope="col">95 % bootstrap interval</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></div></div>"
    )


def _known(value: float, digits: str) -> str:
    return f"{value:{digits}}" if math.isfinite(value) else "–"


def _interval(summary: Summary) -> str:
    if summary.count < 2:
        return "–"
    return f"{summary.low:.5g} to {summary.high:.5g}"
