"""Annealed importance sampling against enumeration."""

import boltzmann_machines as small
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.boltzmann import ais, exact
from genlab.boltzmann.machine import Machine
from genlab.boltzmann.units import Gaussian

BETAS = jnp.asarray(ais.schedule((50, 400, 1000)))


def _exact_draws(machine, count, seed=0):
    """Independent visible states of a machine with few hidden units, exact."""
    h = exact.all_states(machine.hidden.size)
    logits = -machine.free_energy_of_hidden(h)
    chosen = jax.random.categorical(jax.random.key(seed), logits, shape=(count,))
    return machine.sample_visible(h[chosen], jax.random.key(seed + 1))


@pytest.mark.parametrize(
    ("visible", "hidden", "scale"),
    [(64, 10, 0.3), pytest.param(100, 20, 0.3, marks=pytest.mark.full)],
)
def test_forward_and_reverse_enclose_the_exact_log_z(visible, hidden, scale):
    machine = small.random_machine(0, visible, hidden, scale)
    expected = float(jax.jit(exact.log_partition)(machine))
    base = jnp.zeros(visible)
    run = jax.jit(lambda m, key: ais.forward(m, key, BETAS, base, 100)[0])
    forward = ais.summarize(run(machine, jax.random.key(0)))
    draws = _exact_draws(machine, 100)
    run = jax.jit(lambda m, key, v: ais.reverse(m, key, BETAS, base, v))
    reverse = ais.summarize_reverse(run(machine, jax.random.key(1), draws))
    assert abs(forward.log_z - expected) < 0.1
    assert abs(reverse.log_z - expected) < 0.1
    assert forward.low < expected < reverse.high
    assert forward.low < forward.log_z < forward.high
    assert forward.effective > 50


def test_intervals_cover_the_exact_log_z_as_often_as_they_say():
    """Of 100 machines some 95 intervals hold it; 88 or fewer would be a chance of 0.4 %."""
    machines = small.stack(
        [small.random_machine(seed, 8, 6, 0.8) for seed in range(100)]
    )
    betas = jnp.asarray(ais.schedule((10, 40, 50)))
    keys = jax.random.split(jax.random.key(0), 100)
    base = jnp.linspace(-1.0, 1.0, 8)
    run = lambda machine, key: ais.forward(machine, key, betas, base, 100)[0]
    weights = jax.jit(jax.vmap(run))(machines, keys)
    expected = jax.jit(jax.vmap(exact.log_partition))(machines)
    estimates = [ais.summarize(row) for row in weights]
    inside = [e.low <= x <= e.high for e, x in zip(estimates, expected, strict=True)]
    assert 89 <= sum(inside) <= 99
    # Unbiased, and the intervals are not merely wide.
    errors = np.array([e.log_z for e in estimates]) - np.asarray(expected)
    widths = np.array([e.high - e.low for e in estimates])
    assert np.median(widths) < 0.2
    assert abs(errors.mean()) < 3 * errors.std() / 10 + 0.005


@pytest.mark.parametrize("kind", ["labelled", "gaussian"])
def test_other_kinds_of_visible_units(kind):
    if kind == "labelled":
        machine = small.random_machine(0, 12, 5, 0.8, labels=4)
    else:
        one = small.random_machine(0, 6, 5, 0.4)
        machine = Machine(one.kernel, one.visible_bias, one.hidden_bias, Gaussian(6))
    base = machine.visible.base_field(jnp.full(machine.visible.size, 0.25))
    weights, _ = ais.forward(machine, jax.random.key(0), BETAS, base, 50)
    expected = float(exact.log_partition(machine))
    assert abs(ais.summarize(weights).log_z - expected) < 0.1


def test_one_step_is_importance_sampling_by_hand():
    """With betas (0, 1) a weight is Z_A f(v) / f_A(v), whose mean over all v of p_A is Z."""
    machine = small.random_machine(seed=1, visible=4, hidden=3)
    base = jnp.array([0.3, -0.2, 0.0, 0.5])
    weights, _ = ais.forward(
        machine, jax.random.key(0), jnp.array([0.0, 1.0]), base, 40_000
    )
    found, expected = ais.summarize(weights), small.joint(machine)[2]
    assert found.low < expected < found.high
    assert found.high - found.low < 0.15


def test_summary_by_hand():
    found = ais.summarize(np.log([1.0, 3.0]))
    assert found.log_z == pytest.approx(np.log(2))
    assert found.effective == pytest.approx(16 / 10)
    assert found.sigma == pytest.approx(1 / 2)  # sqrt(2) / sqrt(2) over 2
    assert found.low == pytest.approx(np.log(2 - 1.96), rel=1e-3)
    assert found.high == pytest.approx(np.log(2 + 1.96), rel=1e-4)
    assert ais.summarize(np.log([1.0, 1e6])).low == -np.inf  # all of it in one run
    upside_down = ais.summarize_reverse(np.log([1.0, 3.0]))
    assert upside_down.log_z == pytest.approx(-np.log(2))
    assert upside_down.low == pytest.approx(-np.log(2 + 1.96), rel=1e-4)
    assert upside_down.sigma == found.sigma


def test_schedule_has_the_betas_of_the_paper():
    betas = ais.schedule((500, 4000, 10_000))
    assert betas.shape == (14_501,)
    assert (betas[0], betas[500], betas[4500], betas[-1]) == pytest.approx(
        (0, 0.5, 0.9, 1)
    )
    assert (np.diff(betas) > 0).all()
