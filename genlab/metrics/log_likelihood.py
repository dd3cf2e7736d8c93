"""log p(x) of models with a partition function, which is estimated or enumerated."""

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np

from genlab.boltzmann import ais, bracket
from genlab.boltzmann.negative import ROLE
from genlab.config.files import expanded
from genlab.game import rng
from genlab.game.precision import exact_products
from genlab.metrics.measurement import Measurement
from genlab.metrics.unnormalized import (
    machine_states,
    need_machine,
    title_of,
    unnormalized,
)
from genlab.numbers import Count, Positive, Range, Whole
from genlab.registry import metrics
from genlab.statistics import over_examples, standard_error
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("log_unnormalized", "machine", "machine_states")
def log_likelihood(
    trained: Trained,
    split: str,
    *,
    num: Count = 10_000,
    betas: tuple[Count, Count, Count] = (500, 4000, 10_000),
    runs: Annotated[int, Range(2, 2**31 - 1)] = 100,
    num_train: Count = 10_000,
    burn_in: Whole = 1000,
    temperatures: Annotated[int, Range(2, 2**31 - 1)] = 10,
    tolerance: Positive = 1.0,
    against: str = "",
) -> Measurement:
    """Mean log p(x), or the family's bound on it, with log Z by annealed importance sampling.

    Forward annealing starts at independent units with the mean of the training data and gives a
    lower bound on log Z in expectation, hence an optimistic likelihood. Reverse annealing gives an
    upper one from draws of the model; for want of these it starts at training examples, persistent
    chains, tempered chains and the forward ends, each moved by Gibbs sweeps. The estimates are
    `consistent` where all of them agree. That shows that no start found a mode which another missed;
    a mode that none of them finds makes log Z too small and the likelihood too good without a trace.

    Args:
      trained: the model.
      split: of the examples.
      num: examples of the split.
      betas: inverse temperatures in [0, 0.5], [0.5, 0.9] and [0.9, 1].
      runs: annealing runs forward, and in reverse from each start; 2 or more.
      num_train: examples of the train split that the base rate is of.
      burn_in: Gibbs sweeps before reverse annealing.
      temperatures: of the tempered chains, 2 or more.
      tolerance: of the gap between two estimates, nats.
      against: folder of another run; the difference of both on the same examples is given too.

    Returns:
      Nats: `log_likelihood`, or `bernoulli_score` of gray pixels, with `low` and `high` of its 95 %
      interval, that of log Z, widened to all estimates, and that over the examples together; NaN
      where not consistent. `log_z` with
      `log_z_sigma` of its forward runs and the widened `log_z_low` and `log_z_high`; `log_z_START` in
      reverse; `example_error`, the standard error over the examples; `effective_samples` of the
      forward runs; `consistent`, 1 or 0. With `against`, `difference` and its `difference_low` and
      `difference_high`, in which the examples are paired.

    Raises:
      InputError: a family without a partition function.

    Paper: Salakhutdinov & Murray 2008, ICML
    """
    need_machine(trained, "log_likelihood")
    knobs = dict(runs=runs, burn_in=burn_in, temperatures=temperatures)
    anneal = partial(_annealed, betas=betas, num_train=num_train, **knobs)
    batch = trained.examples(split, num)
    scores, found = unnormalized(trained, batch, split), anneal(trained)
    values, intervals = _values(title_of(trained, batch), scores, found, tolerance)
    protocol = {
        "split": split,
        "examples": len(scores),
        "binarized": trained.preparation.binarize,
        "log_z": "annealed importance sampling",
        "betas": list(betas),
        **knobs,
        "base_rate": f"mean of {num_train} of train, or all",
        "reverse_from": list(found.reverse),
        "interval": "95 %: log Z, widened to all its estimates, and examples",
        "refused_beyond": f"{tolerance} nats between two estimates of log Z",
        "consistent_shows": "no start found a mode that another missed; not that none was missed",
    }
    if against:
        other = _run(against)
        both = (found, anneal(other))
        gaps = scores - unnormalized(other, batch, split)
        values |= _difference(gaps, both, tolerance)
        protocol["against"] = f"run {Path(against).name}, round {other.step}"
    return Measurement(values, protocol, intervals)


def _values(
    name: str, scores: np.ndarray, found: bracket.Bracket, tolerance: float
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """What is reported, and the interval of the likelihood, called `name`, where one is given."""
    consistent = found.consistent(tolerance)
    mean, low, high = likelihood(scores, found)
    given = {name: mean, "low": low, "high": high}
    values = {
        **{key: value if consistent else math.nan for key, value in given.items()},
        "log_z": found.forward.log_z,
        "log_z_sigma": found.forward.sigma,
        "log_z_low": found.low,
        "log_z_high": found.high,
        **{f"log_z_{start}": e.log_z for start, e in found.reverse.items()},
        "example_error": standard_error(scores),
        "effective_samples": found.forward.effective,
        "consistent": float(consistent),
    }
    known = consistent and math.isfinite(low) and math.isfinite(high)
    return values, {name: (low, high)} if known else {}


def likelihood(
    scores: np.ndarray, found: bracket.Bracket
) -> tuple[float, float, float]:
    """The mean of `scores: [N]`, log p(x) + log Z of examples, less log Z; low and high of 95 %.

    The errors of log Z and of the examples are independent, so that their squares add up.
    """
    mean = float(np.mean(scores, dtype=np.float64))
    reach = _reach(scores)
    log_z = found.forward.log_z
    low = mean - log_z - math.hypot(found.high - log_z, reach)
    return mean - log_z, low, mean - log_z + math.hypot(log_z - found.low, reach)


def _difference(
    gaps: np.ndarray, found: tuple[bracket.Bracket, bracket.Bracket], tolerance: float
) -> dict[str, float]:
    """log p of one model less that of another, by the `gaps: [N]` of the same examples and the log Z
    of each; NaN where one of these is not consistent."""
    if not all(each.consistent(tolerance) for each in found):
        return dict.fromkeys(
            ("difference", "difference_low", "difference_high"), math.nan
        )
    (ours, theirs), reach = found, _reach(gaps)
    gap = float(np.mean(gaps, dtype=np.float64))
    gap -= ours.forward.log_z - theirs.forward.log_z
    below = (ours.high - ours.forward.log_z, theirs.forward.log_z - theirs.low, reach)
    above = (ours.forward.log_z - ours.low, theirs.high - theirs.forward.log_z, reach)
    return {
        "difference": gap,
        "difference_low": gap - math.hypot(*below),
        "difference_high": gap + math.hypot(*above),
    }


def _reach(values: np.ndarray) -> float:
    """Half the 95 % interval over examples; infinite for a single one."""
    low, high = over_examples(values) or (-math.inf, math.inf)
    return (high - low) / 2


def _run(folder: str) -> Trained:
    """The model of another run at its newest checkpoint, with its data."""
    from genlab.run.course import load_run

    recipe, state = load_run(Path(expanded(folder)), place={})
    other = recipe.trained(state)
    need_machine(other, "log_likelihood")
    return other


def _annealed(
    trained: Trained,
    *,
    betas: Sequence[int],
    num_train: int,
    runs: int,
    **knobs: int,
) -> bracket.Bracket:
    """log Z by annealing forward from the mean of training states, and in reverse."""
    machine = trained.call("machine")
    states = machine_states(trained, num_train)
    base = machine.visible.base_field(jnp.asarray(states.mean(axis=0)))
    starts = {"data": _cycled(states, runs)}
    if "chains" in trained.extra:
        chains = np.asarray(trained.extra["chains"][ROLE])
        # Of tempered chains the last is at the machine's own temperature.
        starts["chains"] = _cycled(chains[:, -1] if chains.ndim > 2 else chains, runs)
    key = rng.stream(trained.seed, "log_likelihood")
    steps = jnp.asarray(ais.schedule(betas))
    found = _log_weights(machine, key, steps, base, starts, runs=runs, **knobs)
    return bracket.summarize(*jax.device_get(found))


def _cycled(states: np.ndarray, count: int) -> np.ndarray:
    """`count` of the states at even distances, over again where there are fewer."""
    if len(states) < count:
        return states[np.arange(count) % len(states)]
    return states[np.linspace(0, len(states), count, endpoint=False).astype(int)]


_log_weights = jax.jit(
    exact_products(bracket.log_weights),
    static_argnames=("runs", "burn_in", "temperatures"),
)
