"""Small machines for the tests, and what is true of them by brute force in NumPy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from genlab.boltzmann.machine import Machine
from genlab.boltzmann.units import Bernoulli, Labelled


def random_machine(seed=0, visible=4, hidden=3, scale=1.0, labels=0) -> Machine:
    """Weights and biases N(0, scale^2)."""
    generator = np.random.default_rng(seed)
    draw = lambda *shape: jnp.asarray(scale * generator.normal(size=shape), jnp.float32)
    units = Labelled(visible - labels, labels) if labels else Bernoulli(visible)
    return Machine(draw(visible, hidden), draw(visible), draw(hidden), units)


def states(count) -> np.ndarray:
    """Every state of `count` binary units: [2**count, count]."""
    return np.array(list(itertools.product((0.0, 1.0), repeat=count)))


def visible_states(machine) -> np.ndarray:
    """Every state of the visible units, of labels those with exactly one on."""
    every = states(machine.visible.size)
    if isinstance(machine.visible, Labelled):
        every = every[every[:, machine.visible.bernoulli :].sum(axis=1) == 1]
    return every


def joint(machine, beta=1.0) -> tuple[np.ndarray, np.ndarray, float]:
    """p(v, h) as a table [V, H], p(v), and log Z, of every pair, in float64."""
    kernel, a, b = (
        np.asarray(part, np.float64)
        for part in (machine.kernel, machine.visible_bias, machine.hidden_bias)
    )
    v, h = visible_states(machine), states(len(b))
    minus_energy = beta * (v @ a[:, None] + (h @ b)[None] + v @ kernel @ h.T)
    z = np.exp(minus_energy).sum()
    table = np.exp(minus_energy) / z
    return table, table.sum(axis=1), float(np.log(z))


def transition(machine) -> np.ndarray:
    """T[v, v'] of one Gibbs sweep, from the table of p(v, h)."""
    table, p, _ = joint(machine)
    given_v = table / p[:, None]
    given_h = table / table.sum(axis=0, keepdims=True)
    return given_v @ given_h.T


def frequencies(machine, v) -> np.ndarray:
    """Shares of `v: [N, D]` in each of the visible states."""
    powers = 2.0 ** np.arange(v.shape[1])
    codes, known = np.asarray(v) @ powers, visible_states(machine) @ powers
    counts = np.array([(codes == code).sum() for code in known])
    assert counts.sum() == len(v)
    return counts / len(v)


def assert_shares(found, expected, count, sigmas=5.0):
    """Shares of `count` draws within some standard errors of their probabilities."""
    error = np.sqrt(expected * (1 - expected) / count) + 1.0 / count
    far = np.abs(found - expected) / error
    assert far.max() < sigmas, f"{far.max():.1f} standard errors"


def stack(machines):
    """Machines of one size as one, for vmap."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *machines)
