"""log p(x) of models with a partition function, which is estimated or enumerated."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np

from genlab import rng
from genlab.boltzmann import ais, exact, gibbs
from genlab.boltzmann.machine import Machine
from genlab.boltzmann.units import fine_coin
from genlab.errors import InputError
from genlab.experiment import Draw
from genlab.metrics.measurement import Measurement
from genlab.numbers import Count, Positive, Range, Whole
from genlab.registry import metrics
from genlab.trained import Trained

CHUNK = 500  # examples that pass through the model at a time


@metrics.register
def log_likelihood(
    trained: Trained,
    split: str,
    *,
    num: Count = 10_000,
    betas: tuple[Count, Count, Count] = (500, 4000, 10_000),
    runs: Annotated[int, Range(2, 2**31 - 1)] = 100,
    num_train: Count = 10_000,
    burn_in: Whole = 1000,
    tolerance: Positive = 1.0,
) -> Measurement:
    """Mean log p(x), or the family's bound on it, with log Z by annealed importance sampling.

    Forward annealing starts at independent units with the mean of the training data and gives a
    lower bound on log Z in expectation, hence an optimistic likelihood. Reverse annealing starts at
    training examples, moved by Gibbs sweeps, and gives an upper one if they are draws of the model.
    No likelihood is given where the three-sigma interval of the mean weight reaches zero, or where
    the two estimates are further apart than the tolerance.

    Args:
      trained: the model.
      split: of the examples.
      num: examples, the first of the split.
      betas: inverse temperatures in [0, 0.5], [0.5, 0.9] and [0.9, 1].
      runs: annealing runs in each direction, 2 or more.
      num_train: examples that the base rate is of, the first of the train split.
      burn_in: Gibbs sweeps from examples to where reverse annealing starts.
      tolerance: of the gap between the two estimates, nats.

    Returns:
      Nats: `log_likelihood` with `low` and `high` by three sigma of log Z, NaN where refused;
      `log_z`, `log_z_low`, `log_z_high`, `log_z_reverse`; `effective_samples` of the runs, and
      `reliable`, 1 or 0.

    Raises:
      InputError: a family without a partition function.

    Paper: Salakhutdinov & Murray 2008, ICML
    """
    _need_machine(trained, "log_likelihood")
    unnormalized = _unnormalized(trained, split, num)
    states = _states(trained, num_train)
    forward, backward = _annealed(trained, states, betas, runs, burn_in)
    gap = abs(backward.log_z - forward.log_z)
    reliable = np.isfinite(forward.low) and gap <= tolerance
    mean = float(np.mean(unnormalized, dtype=np.float64))
    given = {
        "log_likelihood": mean - forward.log_z,
        "low": mean - forward.high,
        "high": mean - forward.low,
    }
    values = {
        **{name: value if reliable else float("nan") for name, value in given.items()},
        "log_z": forward.log_z,
        "log_z_low": forward.low,
        "log_z_high": forward.high,
        "log_z_reverse": backward.log_z,
        "effective_samples": forward.effective,
        "reliable": float(reliable),
    }
    protocol = {
        "split": split,
        "examples": len(unnormalized),
        "log_z": "annealed importance sampling, interval of 3 sigma",
        "betas": list(betas),
        "runs": runs,
        "base_rate": f"mean of {len(states)} of train",
        "reverse": f"from train after {burn_in} Gibbs sweeps",
        "refused_beyond": f"{tolerance} nats between forward and reverse",
    }
    return Measurement(values, protocol)


def _annealed(
    trained: Trained,
    states: np.ndarray,
    betas: Sequence[int],
    runs: int,
    burn_in: int,
) -> tuple[ais.Estimate, ais.Estimate]:
    """log Z by annealing forward from the mean of the states, and in reverse from the states."""
    machine = trained.call("machine")
    base = machine.visible.base_field(jnp.asarray(states.mean(axis=0)))
    steps = jnp.asarray(ais.schedule(betas))
    key = rng.stream(trained.seed, "log_likelihood")
    start = jnp.asarray(states[np.arange(runs) % len(states)])
    forward = _forward(machine, key, steps, base, runs=runs)
    backward = _reverse(machine, key, steps, base, start, burn_in=burn_in)
    return ais.summarize(forward), ais.summarize_reverse(backward)


@metrics.register
def exact_log_likelihood(
    trained: Trained, split: str, *, num: Count = 10_000
) -> Measurement:
    """Mean log p(x), or the family's bound on it, with log Z by enumeration.

    Args:
      trained: the model.
      split: of the examples.
      num: examples, the first of the split.

    Returns:
      `log_likelihood` and `log_z`, nats.

    Raises:
      InputError: a family without a partition function, or one with too many units.
    """
    _need_machine(trained, "exact_log_likelihood")
    log_z = float(_enumerated(trained.call("machine")))
    unnormalized = _unnormalized(trained, split, num)
    mean = float(np.mean(unnormalized, dtype=np.float64))
    values = {"log_likelihood": mean - log_z, "log_z": log_z}
    protocol = {
        "split": split,
        "examples": len(unnormalized),
        "log_z": "enumeration",
    }
    return Measurement(values, protocol)


@metrics.register
def free_energy_gap(
    trained: Trained, split: str, *, num: Count = 1000, num_train: Count = 1000
) -> Measurement:
    """Mean free energy of held-out examples above that of training ones: it grows with overfitting.

    The partition function cancels.

    Args:
      trained: the model.
      split: of the held-out examples.
      num: of these, the first of the split.
      num_train: examples of the train split, the first.

    Returns:
      `gap`, `held_out` and `train`, nats; bounds on them where the family has bounds.

    Raises:
      InputError: a family without a partition function.

    Paper: Hinton 2012, A Practical Guide to Training Restricted Boltzmann Machines, section 6
    """
    _need_machine(trained, "free_energy_gap")
    held_out = -_unnormalized(trained, split, num)
    train = -_unnormalized(trained, "train", num_train)
    values = {
        "held_out": float(np.mean(held_out, dtype=np.float64)),
        "train": float(np.mean(train, dtype=np.float64)),
    }
    values["gap"] = values["held_out"] - values["train"]
    protocol = {
        "split": split,
        "examples": len(held_out),
        "train_examples": len(train),
    }
    return Measurement(values, protocol)


def _need_machine(trained: Trained, metric: str) -> None:
    if not trained.has("log_unnormalized"):
        raise InputError(
            f"metric {metric!r} needs a model with a partition function, such as 'rbm', 'dbn' or"
            f" 'dbm', not {type(trained.experiment).__name__}"
        )


def _unnormalized(trained: Trained, split: str, num: int) -> np.ndarray:
    return _by_chunks(trained, "log_unnormalized", split, num)


def _states(trained: Trained, num: int) -> np.ndarray:
    return _by_chunks(trained, "machine_states", "train", num)


def _by_chunks(trained: Trained, method: str, split: str, num: int) -> np.ndarray:
    batch = trained.examples(split, num)
    step = np.zeros((), np.int32)
    parts = []
    for index, first in enumerate(range(0, len(batch["x"]), CHUNK)):
        part = {name: leaf[first : first + CHUNK] for name, leaf in batch.items()}
        root = rng.stream(trained.seed, f"{method}/{split}", index)
        parts.append(trained.call(method, Draw(part, root, step)))
    return np.concatenate(parts)


@partial(jax.jit, static_argnames="runs")
def _forward(machine: Machine, key, betas, base, *, runs: int):
    return ais.forward(machine, rng.fold(key, "forward"), betas, base, runs)


@partial(jax.jit, static_argnames="burn_in")
def _reverse(machine: Machine, key, betas, base, states, *, burn_in: int):
    burn_key = rng.fold(key, "burn_in")
    states = gibbs.sweeps(machine, states, burn_key, burn_in, coin=fine_coin)
    return ais.reverse(machine, rng.fold(key, "reverse"), betas, base, states)


_enumerated = jax.jit(exact.log_partition)
