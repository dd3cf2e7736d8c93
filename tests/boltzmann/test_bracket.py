"""log Z from both ends, and likelihoods with it, on machines that can be enumerated."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.boltzmann import ais, bracket, exact, gibbs
from genlab.boltzmann.machine import Machine
from genlab.boltzmann.units import Bernoulli
from genlab.game import rng
from genlab.metrics.log_likelihood import likelihood
from genlab.registry import datasets

PIXELS, HIDDEN, RUNS = 64, 10, 50
BETAS = jnp.asarray(ais.schedule((10, 40, 80)))


@functools.cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Binary digits of 8 pixels: those trained on, those held out."""
    data = datasets.build("digits", image_size=8)()
    parts = []
    for name in ("train", "test"):
        split = data.splits[name]
        x = split.gather(np.arange(split.size))["x"].reshape(split.size, -1)
        parts.append((x > 127).astype(np.float32))
    return parts[0], parts[1]


def train_one(key, x) -> Machine:
    """A machine after 300 updates by CD-1."""
    weights = 0.01 * jax.random.normal(key, (PIXELS, HIDDEN))
    mean = jnp.clip(x.mean(axis=0), 0.02, 0.98)
    bias = jnp.log(mean) - jnp.log1p(-mean)
    start = Machine(weights, bias, jnp.zeros(HIDDEN), Bernoulli(PIXELS))

    def update(machine, index):
        step = jax.random.fold_in(key, index)
        rows = jax.random.randint(rng.fold(step, "rows"), (40,), 0, len(x))
        v = x[rows]
        fantasy = gibbs.sweep(machine, v, rng.fold(step, "sweep"))
        gap = lambda m: jnp.mean(m.free_energy(v)) - jnp.mean(m.free_energy(fantasy))
        gradient = jax.grad(gap)(machine)
        return jax.tree.map(lambda p, g: p - 0.1 * g, machine, gradient), None

    return jax.lax.scan(update, start, jnp.arange(300))[0]


@functools.partial(jax.jit, static_argnames="count")
def machines_of(count: int, x) -> Machine:
    """Machines trained with seeds of their own, stacked."""
    keys = jax.random.split(jax.random.key(0), count)
    return jax.vmap(lambda key: train_one(key, x))(keys)


@jax.jit
def weights_of(machines, keys, x):
    """Weights of annealing of each machine, from a base rate, digits and what it finds itself."""
    base = machines.visible.base_field(x.mean(axis=0))
    starts = {"data": x[:RUNS]}
    run = lambda machine, key: bracket.log_weights(
        machine, key, BETAS, base, starts, runs=RUNS, burn_in=40, temperatures=8
    )
    return jax.vmap(run)(machines, keys)


def brackets_of(machines, count, x) -> list[bracket.Bracket]:
    found = weights_of(machines, jax.random.split(jax.random.key(1), count), x)
    forward, reverse = jax.device_get(found)
    return [
        bracket.summarize(forward[i], {name: w[i] for name, w in reverse.items()})
        for i in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "least"), [(10, 8), pytest.param(100, 95, marks=pytest.mark.full)]
)
def test_interval_of_a_likelihood_covers_the_true_one(count, least):
    """The truth is the exact mean over all 300 held-out digits; each machine sees half of them anew.

    Digits drawn without putting them back tell more than as many independent ones, which the interval
    is for: with half of the split it holds the truth in some 99 of 100, with 60 digits in 97.
    """
    train, test = digits()
    machines = machines_of(count, train)
    found = brackets_of(machines, count, train)
    log_z = jax.jit(jax.vmap(exact.log_partition))(machines)
    scores = -jax.jit(jax.vmap(Machine.free_energy, (0, None)))(machines, test)
    scores, log_z = np.asarray(scores, np.float64), np.asarray(log_z)
    generator, inside, widths = np.random.default_rng(0), 0, []
    for i, each in enumerate(found):
        assert each.consistent(1.0)
        subset = generator.choice(len(test), 150, replace=False)
        _, low, high = likelihood(scores[i, subset], each)
        inside += low <= scores[i].mean() - log_z[i] <= high
        widths.append(high - low)
    assert inside >= least
    assert np.median(widths) < 2  # nats; of 150 digits alone it is 1.2


def plant(machine: Machine, key, train) -> Machine:
    """The machine and one hidden unit more, which turns on 14 pixels that digits leave empty.

    With it on there are some e^10 times as many states by weight. It takes six of the pixels to
    begin with, which are on at once only where they are fair coins: at high temperature, but
    nowhere between a base rate of digits and the machine.
    """
    empty = jnp.argsort(train.mean(axis=0))[:20]
    mode = jnp.zeros(PIXELS)
    mode = mode.at[jax.random.choice(key, empty, (14,), replace=False)].set(1.0)
    digit = train[0] * (1 - mode)
    rise = 10 + machine.free_energy(digit + mode) - machine.free_energy(digit)
    slope = rise / (0.6 * 14)
    return Machine(
        jnp.concatenate([machine.kernel, (slope * mode)[:, None]], axis=1),
        machine.visible_bias,
        jnp.append(machine.hidden_bias, -0.4 * 14 * slope),
        machine.visible,
    )


@pytest.mark.full
def test_a_far_mode_that_tempering_finds_is_not_consistent():
    """Forward annealing and the data agree on a log Z that is 10 nats too small."""
    train, _ = digits()
    keys = jax.random.split(jax.random.key(2), 10)
    whole = jax.vmap(lambda m, key: plant(m, key, jnp.asarray(train)))
    machines = jax.jit(whole)(machines_of(10, train), keys)
    true = jax.jit(jax.vmap(exact.log_partition))(machines)
    found = brackets_of(machines, 10, train)
    missed = [z - each.forward.log_z for each, z in zip(found, true, strict=True)]
    assert min(missed) > 7, missed
    agreed = [abs(e.reverse["data"].log_z - e.forward.log_z) < 1 for e in found]
    assert sum(agreed) >= 9
    assert sum(each.consistent(1.0) for each in found) <= 1
    assert sum(each.high > z - 1 for each, z in zip(found, true, strict=True)) >= 9


def test_bracket_by_hand():
    forward = np.log(np.full(20, 2.0))
    reverse = {"data": -np.log(np.full(20, 2.5)), "tempered": -np.log(np.full(20, 9.0))}
    found = bracket.summarize(forward, reverse)
    assert (found.low, found.high) == pytest.approx((np.log(2), np.log(9)))
    assert not found.consistent(1.0) and found.consistent(2.0)
    few = bracket.summarize(forward[:9], reverse)
    assert not few.consistent(2.0)  # 9 effective runs
