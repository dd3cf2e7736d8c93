"""What the trials of a sweep say together, for each measured value: importances, statistics."""

import math
from collections.abc import Iterable, Sequence

from genlab.reporting.importance import MIN_TRIALS, Importances, importances
from genlab.reporting.knobs import SEED, Knob
from genlab.reporting.learning import Group
from genlab.reporting.markup import empty, text, words
from genlab.reporting.sweep import Sweep
from genlab.statistics import Difference, Summary, paired, summarize

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
    """Each group of seeds for each value: mean, interval, and the difference to one group."""
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
    found = {}
    for group in groups:
        values = _by_seed(sweep, name, group)
        if values:
            found[group] = values, summarize(list(values.values()))
    if not found:
        return empty("No trial has a finite value yet.")
    first = _reference(sweep, found)
    rows = "".join(
        f'<tr><th scope="row">{text(group.label)}</th>'
        f"<td>{summary.count:,} of {len(group.trials):,}</td><td>{summary.mean:.5g}</td>"
        f"<td>{_interval(summary)}</td><td>{_margin(sweep, name, group)}</td>"
        f"<td>{'–' if group is first else _gap(paired(values, found[first][0]))}</td></tr>"
        for group, (values, summary) in sorted(
            found.items(), key=lambda row: sign * row[1][1].mean
        )
    )
    heads = (
        "trials",
        "seeds",
        "mean",
        "95 % interval over seeds",
        "of the examples",
        f"difference to {first.label}",
    )
    cells = "".join(f'<th scope="col">{text(head)}</th>' for head in heads)
    return (
        f'<div class="card"><div class="scroll rows" tabindex="0"><table><thead><tr>{cells}'
        f"</tr></thead><tbody>{rows}</tbody></table></div></div>"
    )


def _by_seed(sweep: Sweep, name: str, group: Group) -> dict[str, float]:
    """The finite values of a group by seed."""
    trials = [sweep.trials[index] for index in group.trials]
    values = {
        str(trial.overrides.get(SEED)): trial.values.get(name, math.nan)
        for trial in trials
    }
    return {seed: value for seed, value in values.items() if math.isfinite(value)}


def _reference(sweep: Sweep, groups: Iterable[Group]) -> Group:
    """The best group by the target where that was not measured on what is reported, or the first."""
    sign = -1 if sweep.maximize else 1

    def loss(group: Group) -> float:
        values = _by_seed(sweep, sweep.target, group).values()
        return sign * math.fsum(values) / len(values) if values else math.inf

    return min(groups, key=loss) if sweep.evaluated else next(iter(groups))


def _margin(sweep: Sweep, name: str, group: Group) -> str:
    margins = [sweep.trials[index].margins.get(name) for index in group.trials]
    known = [margin for margin in margins if margin is not None]
    return f"± {max(known):.2g}" if known else "–"


def _gap(difference: Difference | None) -> str:
    return "–" if difference is None else text(difference)


def _interval(summary: Summary) -> str:
    if summary.count < 2:
        return "–"
    return f"{summary.low:.5g} to {summary.high:.5g}"
