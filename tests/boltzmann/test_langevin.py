"""Langevin chains against the Gaussian that they leave as it is, and a partition function by a grid."""

import jax
import jax.numpy as jnp
import numpy as np

from genlab.boltzmann.langevin import Langevin, LangevinPhase
from genlab.boltzmann.negative import ROLE
from genlab.boltzmann.plane import log_partition

KEY = jax.random.key(0)
BOX = (-10.0, 10.0)


def well(std):
    """Of N(1, std^2)."""
    return lambda x: 0.5 * jnp.sum(jnp.square(x - 1), axis=1) / std**2


def test_chains_have_the_moments_of_the_discrete_steps():
    """x' = (1 - a/s^2) x + sqrt(2a) n has the variance s^2 / (1 - a / 2s^2); at noise 0.1 that of its
    temperature."""
    start = jnp.zeros((20_000, 1))
    for noise, share in ((None, 1.0), (0.1, 0.1**2 / (2 * 0.05))):
        chains = Langevin(100, 0.05, noise, None, BOX)
        found = chains(well(0.5), start, KEY)
        np.testing.assert_allclose(found.mean(), 1.0, atol=0.01)
        variance = share * 0.25 / (1 - 0.05 / (2 * 0.25))
        np.testing.assert_allclose(found.var(), variance, rtol=0.04)


def test_a_step_by_hand_is_clipped_and_stays_in_the_box():
    x = jnp.array([[0.0], [0.9], [-9.9]])
    step = lambda clip, box: Langevin(1, 0.5, 0.0, clip, box)(well(1.0), x, KEY)[:, 0]
    np.testing.assert_allclose(step(None, BOX), [0.5, 0.95, -4.45], rtol=1e-6)
    np.testing.assert_allclose(step(0.6, BOX), [0.3, 0.95, -9.6], rtol=1e-6)
    np.testing.assert_allclose(step(None, (-1.0, 0.4)), [0.4, 0.4, -1.0], rtol=1e-6)


def test_a_move_takes_some_chains_and_puts_them_back():
    still = Langevin(1, 0.5, 0.0, None, BOX)
    data = jnp.zeros((4, 1))
    phase = LangevinPhase(still, 16, 0.0)
    extra = phase.init(KEY, (1,))
    before = extra["chains"][ROLE]
    states, extra = phase(well(1.0), extra, data, KEY)
    after = extra["chains"][ROLE]
    moved = np.flatnonzero(np.asarray(before != after)[:, 0])
    assert len(moved) == 4 == len(states)
    np.testing.assert_allclose(after[moved], 0.5 * before[moved] + 0.5, atol=1e-6)
    np.testing.assert_array_equal(np.sort(states[:, 0]), np.sort(after[moved, 0]))
    few = LangevinPhase(still, 2, 0.0)
    assert len(few(well(1.0), few.init(KEY, (1,)), data, KEY)[0]) == 2
    anew = LangevinPhase(still, 16, 1.0)(well(1.0), extra, data, KEY)[0]
    assert not np.isin(anew, 0.5 * np.asarray(after) + 0.5).any()
    short = LangevinPhase(still, None, 0.0)
    assert short.init(KEY, (1,)) == {}
    np.testing.assert_allclose(short(well(1.0), {}, data, KEY)[0], 0.5)


def test_jumps_share_wells_out_by_their_weight():
    """Two wells that no step leaves, one e times as likely as the other; all chains start in that one's."""

    def energy(x):
        wells = jnp.array([[-1.0], [1.0]])
        depths = jnp.square(x - wells.T) / (2 * 0.1**2) + jnp.array([[0.0, 1.0]])
        return -jax.nn.logsumexp(-depths, axis=1)

    start = jnp.full((4000, 1), -1.0)
    for jump, share in ((False, 0.0), (True, 1 / (1 + np.e))):
        chains = Langevin(150, 2e-3, None, None, (-2.0, 2.0), jump)
        found = chains(energy, start, KEY)
        np.testing.assert_allclose((found > 0).mean(), share, atol=0.03)


def test_partition_function_of_gaussian_wells():
    """As narrow as a cell, and one that the box cuts in half."""
    for std in (0.1, 1.0):
        found = log_partition(well(std), BOX, 200)
        np.testing.assert_allclose(found, np.log(2 * np.pi * std**2), atol=1e-5)
    half = log_partition(well(0.5), (1.0, 9.0), 400)
    np.testing.assert_allclose(half, np.log(2 * np.pi * 0.25 / 4), atol=1e-3)
