"""In what a logged or measured value is counted, by its name."""

import re
from collections.abc import Iterable

from genlab.reporting.markup import words

# The first pattern found in the last part of a name decides.
_UNITS = {
    r"rounds_per_second": "rounds per second",
    r"examples_per_second": "examples per second",
    r"gigaflops_per_second": "1e9 operations per second",
    r"_norm$": "L2 norm",
    r"accuracy|share|agreement|distinct|chance$": "share",
    r"psnr": "dB",
    r"angle": "degrees",
    r"(^|_)kl(_|$)|elbo|iwae|entropy|energy|likelihood|bernoulli_score": "nats",
    r"log_z|mutual_information|aggregate_gap": "nats",
}
_BOUND_TERMS = ("loss", "reconstruction")  # in nats where a KL is beside them


def unit_of(name: str, beside: Iterable[str] = ()) -> str:
    """The unit of a value; empty where its name does not say, or says it itself.

    Args:
      name: of the value.
      beside: names of the values of the same player or metric.
    """
    term = name.rpartition("/")[2]
    for pattern, unit in _UNITS.items():
        if re.search(pattern, term):
            return "" if unit in words(term) else unit
    beside_kl = any(re.search(r"(^|[_/])kl$", other) for other in beside)
    return "nats" if term in _BOUND_TERMS and beside_kl else ""


def axis_name(title: str, names: Iterable[str], beside: Iterable[str] = ()) -> str:
    """What stands at the axis of a chart: its title, and the unit that all its values share."""
    units = {unit_of(name, beside) for name in names}
    unit = units.pop() if len(units) == 1 else ""
    return f"{title} ({unit})" if unit else title
