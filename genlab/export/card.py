"""The model card of a run: what it is, how to use it, and each number with its protocol."""

import json
from collections.abc import Mapping
from typing import Any

from genlab import __version__
from genlab.metrics.measurement import Measurement, flat_name, values_of
from genlab.process.streams import printable

_TASKS = {"sample": "unconditional-image-generation", "translate": "image-to-image"}

_PAGE = """\
# {title}

A model of the family `{family}` on the data `{data}`, trained by genlab {version} for {step:,} rounds \
(seed {seed}{averages}).
{picture}
## Use

```python
import genlab

params, extra = genlab.load_params("model.safetensors")
```

`params[player][role]` and `extra[collection][role]` are the variables of the modules that \
`config.json` names. The family has {offers}.

## Results

{results}
"""


def model_card(
    title: str,
    config: dict[str, Any],
    step: int,
    results: Mapping[str, Measurement],
    *,
    offers: list[str],
    averaged: list[str],
    picture: str = "",
) -> str:
    """The text of README.md: front matter as hubs read it, and a page for people.

    Args:
      title: name of the model.
      config: the run's plain config, as others are given it.
      step: rounds trained.
      results: what was measured of this state, by metric.
      offers: what the family can do, by its methods.
      averaged: players whose EMA copies the weights are.
      picture: file of the samples beside the card, if there is one.
    """
    task = next((t for m, t in _TASKS.items() if picture and m in offers), "")
    front = _front_matter(title, config, results, task)
    page = _PAGE.format(
        title=_plain(title),
        family=_plain(config["experiment"]["name"]),
        data=_plain(config["data"]["name"]),
        version=__version__,
        step=step,
        seed=config["seed"],
        averages=f"; EMA of {' and '.join(averaged)}" if averaged else "",
        picture=f"\n![samples]({picture})\n" if picture else "",
        offers=", ".join(offers),
        results="\n".join(_table(results)),
    )
    # Every JSON is YAML.
    lines = [f"{key}: {json.dumps(value)}" for key, value in front.items()]
    return "\n".join(["---", *lines, "---", "", page])


def _front_matter(
    title: str, config: dict[str, Any], results: Mapping[str, Measurement], task: str
) -> dict[str, Any]:
    family, data = config["experiment"]["name"], config["data"]["name"]
    tags = ["genlab", "jax", "flax", "generative-model", family]
    front = {"library_name": "genlab", "tags": tags}
    front |= {"pipeline_tag": task} if task else {}
    if measured := _index(results):
        result = {
            "task": {"type": task or "other"},
            "dataset": {"name": data, "type": data},
            "metrics": measured,
        }
        front["model-index"] = [{"name": title, "results": [result]}]
    return front


def _index(results: Mapping[str, Measurement]) -> list[dict[str, Any]]:
    return [
        {"type": name, "value": value, "name": name}
        for name, value in values_of(results).items()
        if value is not None
    ]


def _table(results: Mapping[str, Measurement]) -> list[str]:
    """A row for each value, as Markdown."""
    if not results:
        return ["This state was not measured."]
    rows = [
        "| value | | 95 % interval over examples | protocol |",
        "|---|---|---|---|",
    ]
    for metric, found in results.items():
        protocol = ", ".join(f"{key} {value}" for key, value in found.protocol.items())
        for name, value in found.values.items():
            ends = found.intervals.get(name)
            interval = f"{ends[0]:.4g} to {ends[1]:.4g}" if ends else ""
            shown = "not finite" if value is None else f"{value:.4g}"
            cells = (flat_name(metric, name), shown, interval, protocol)
            rows.append(f"| {' | '.join(map(_plain, cells))} |")
    return rows


def _plain(text: str) -> str:
    """The text in one cell or line of Markdown, which it does not steer."""
    one_line = " ".join(printable(text).split())
    for sign in "\\|<>`":
        one_line = one_line.replace(sign, "\\" + sign)
    return one_line
