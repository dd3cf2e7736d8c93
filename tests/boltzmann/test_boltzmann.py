"""Machines, their kernels and gradients against enumeration, hand calculation and scikit-learn."""

import boltzmann_machines as small
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from sklearn.neural_network import BernoulliRBM

from genlab.boltzmann import exact, gibbs, tempering
from genlab.boltzmann.completion import complete
from genlab.boltzmann.machine import Machine
from genlab.boltzmann.negative import ROLE, NegativePhase
from genlab.boltzmann.pseudo import pseudo_log_likelihood, unit_log_probability
from genlab.boltzmann.units import Bernoulli, Gaussian
from genlab.data.dataset import Dataset, array_splits
from genlab.errors import InputError
from genlab.game.turn import Draw
from genlab.models.rbm import Rbm
from genlab.objectives.energy import energy_difference
from genlab.run.build import build_experiment
from genlab.run.recipe import Recipe


def test_free_energy_by_hand():
    # a = (1, -2), b = ln 3, W = (ln 2, 0): F(1, 1) = -(1 - 2) - ln(1 + 3 * 2)
    machine = Machine(
        jnp.array([[np.log(2.0)], [0.0]]),
        jnp.array([1.0, -2.0]),
        jnp.array([np.log(3.0)]),
        Bernoulli(2),
    )
    v = jnp.array([[1.0, 1.0], [0.0, 0.0], [0.0, 1.0]])
    expected = [1 - np.log(7), -np.log(4), 2 - np.log(4)]
    np.testing.assert_allclose(machine.free_energy(v), expected, rtol=1e-6)


@pytest.mark.parametrize("labels", [0, 3])
def test_free_energy_and_log_z_by_enumeration(labels):
    machine = small.random_machine(visible=6, hidden=4, labels=labels)
    _, p, log_z = small.joint(machine)
    v = jnp.asarray(small.visible_states(machine), jnp.float32)
    found = -machine.free_energy(v) - exact.log_partition(machine)
    np.testing.assert_allclose(found, np.log(p), atol=2e-5)
    np.testing.assert_allclose(exact.log_partition(machine), log_z, rtol=1e-5)


def test_either_side_is_enumerated_for_the_same_log_z():
    machine = small.random_machine(visible=4, hidden=22, scale=0.5)
    mirrored = Machine(
        machine.kernel.T, machine.hidden_bias, machine.visible_bias, Bernoulli(22)
    )
    v = jnp.asarray(small.states(4), jnp.float32)
    expected = jax.nn.logsumexp(-machine.free_energy(v))
    for one in (machine, mirrored):
        np.testing.assert_allclose(exact.log_partition(one), expected, rtol=1e-5)


def test_gaussian_log_z_by_quadrature():
    machine = Machine(
        jnp.array([[0.7, -1.2]]), jnp.array([0.4]), jnp.array([0.3, -0.5]), Gaussian(1)
    )
    grid = np.linspace(-12, 12, 20001)
    density = np.exp(-np.asarray(machine.free_energy(jnp.asarray(grid)[:, None])))
    expected = np.log(np.trapezoid(density.astype(np.float64), grid))
    np.testing.assert_allclose(exact.log_partition(machine), expected, rtol=1e-5)


def test_enumeration_says_its_limit():
    machine = small.random_machine(visible=30, hidden=21)
    with pytest.raises(InputError, match="limit is 20 .* AIS"):
        exact.log_partition(machine)


def test_contrastive_divergence_with_infinite_k_is_the_likelihood_gradient():
    machine = small.random_machine(visible=5, hidden=3)
    data = jnp.asarray(small.visible_states(machine)[[3, 17, 22]], jnp.float32)
    every = jnp.asarray(small.visible_states(machine), jnp.float32)
    p = jnp.asarray(small.joint(machine)[1], jnp.float32)

    def negative_log_likelihood(machine):
        return jnp.mean(machine.free_energy(data)) + exact.log_partition(machine)

    def divergence(machine):
        # Every state as often as the model has it: what infinitely many sweeps leave.
        model = machine.free_energy(every) * p * p.shape[0]
        terms = energy_difference(machine.free_energy(data), model)
        return sum(jnp.mean(term) for term in terms.values())

    recipes.assert_close(
        jax.grad(negative_log_likelihood)(machine), jax.grad(divergence)(machine), 1e-5
    )


def test_many_sweeps_from_data_give_the_likelihood_gradient():
    machine = small.random_machine(visible=4, hidden=3, scale=0.5)
    data = jnp.tile(jnp.asarray(small.states(4)[[3, 9]], jnp.float32), (20_000, 1))
    phase = NegativePhase(sweeps=50)
    states, _, _ = jax.jit(phase)(machine, {}, data, jax.random.key(0))

    def of_samples(machine):
        return -jnp.mean(machine.free_energy(states))

    expected = jax.grad(lambda machine: exact.log_partition(machine))(machine)
    recipes.assert_close(expected, jax.grad(of_samples)(machine), 0.012)


def test_detailed_balance_of_the_gibbs_kernel():
    """The drawn transitions are those of the table, and p(v) T(v'|v) is symmetric there."""
    machine = small.random_machine(visible=3, hidden=2)
    matrix, p = small.transition(machine), small.joint(machine)[1]
    flow = p[:, None] * matrix
    np.testing.assert_allclose(flow, flow.T, atol=1e-12)
    count = 20_000
    for index, state in enumerate(small.states(3)):
        start = jnp.tile(jnp.asarray(state, jnp.float32)[None], (count, 1))
        after = gibbs.sweep(machine, start, jax.random.key(index))
        small.assert_shares(small.frequencies(machine, after), matrix[index], count)


def test_sweeps_leave_the_distribution_of_a_machine_with_labels():
    machine = small.random_machine(visible=5, hidden=2, labels=3)
    p, count = small.joint(machine)[1], 20_000
    chosen = np.random.default_rng(0).choice(len(p), count, p=p)
    start = jnp.asarray(small.visible_states(machine)[chosen], jnp.float32)
    after = gibbs.sweeps(machine, start, jax.random.key(1), 3)
    small.assert_shares(small.frequencies(machine, after), p, count)


def test_exchange_probabilities_by_hand():
    betas = jnp.array([0.0, 0.5, 1.0])
    energies = jnp.tile(jnp.array([[1.0, 3.0, 2.0]]), (40_000, 1))
    v = jnp.tile(jnp.arange(3.0)[None, :, None], (40_000, 1, 1))
    after, seen = tempering.exchange(v, energies, jax.random.key(0), betas)
    # (b_0 - b_1)(E_0 - E_1) = -0.5 * -2 = 1: always; then E = 3, 1, 2 and the other pair
    # (b_1 - b_2)(E_1 - E_2) = -0.5 * (1 - 2) = 0.5: always.
    np.testing.assert_array_equal(after[:, :, 0], np.tile([1.0, 2.0, 0.0], (40_000, 1)))
    np.testing.assert_allclose(seen[0], [1.0, 1.0])
    uphill = energies[:, ::-1]
    after, seen = tempering.exchange(v, uphill, jax.random.key(0), betas)
    # E = 2, 3, 1: always; then 3, 2, 1 and the pair -0.5 * (2 - 1) = -0.5.
    np.testing.assert_allclose(seen[0], [1.0, np.exp(-0.5)], rtol=1e-6)
    share = float(jnp.mean((after[:, 2, 0] == 0).astype(jnp.float32)))
    assert abs(share - np.exp(-0.5)) < 5 * np.sqrt(0.24 / 40_000)


def test_tempered_chains_have_their_temperatures_distributions():
    machine = small.random_machine(visible=4, hidden=3, scale=2.0)
    betas, count = tempering.ladder(4), 4000
    v = jnp.zeros((count, 4, 4))

    def one(v, key):
        return tempering.tempered_sweep(machine, v, key, betas)[0], None

    v, _ = jax.lax.scan(one, v, jax.random.split(jax.random.key(0), 200))
    for index, beta in enumerate(betas):
        expected = small.joint(machine, float(beta))[1]
        found = small.frequencies(machine, v[:, index])
        small.assert_shares(found, expected, count)


def test_completion_is_the_conditional_mean():
    machine = small.random_machine(visible=5, hidden=3, scale=0.7)
    v = jnp.asarray([[1.0, 0.0, 1.0, 0.0, 0.0]])
    known = jnp.array([True, True, False, False, False])
    p, every = small.joint(machine)[1], small.states(5)
    fits = (every[:, :2] == [1, 0]).all(axis=1)
    expected = (p[fits][:, None] * every[fits]).sum(axis=0) / p[fits].sum()
    batch = jnp.tile(v, (200, 1))
    found = complete(machine, batch, known, jax.random.key(0), count=400).mean(axis=0)
    np.testing.assert_allclose(found, expected, atol=0.01)


@pytest.fixture(scope="module")
def peer():
    """A scikit-learn machine after a little training, and ours of the same weights."""
    x = np.random.default_rng(0).integers(0, 2, size=(60, 12)).astype(np.float64)
    state = np.random.RandomState(0)  # one that moves on from call to call
    theirs = BernoulliRBM(5, n_iter=3, batch_size=10, random_state=state).fit(x)
    leaves = (theirs.components_.T, theirs.intercept_visible_, theirs.intercept_hidden_)
    ours = Machine(*(jnp.asarray(leaf, jnp.float32) for leaf in leaves), Bernoulli(12))
    return theirs, ours, x


def test_free_energy_is_that_of_scikit_learn(peer):
    theirs, ours, x = peer
    expected = theirs._free_energy(x)
    found = ours.free_energy(jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_pseudo_likelihood_is_that_of_scikit_learn(peer):
    theirs, ours, x = peer
    # Both flip one random unit of each example; the mean over many draws is over all units.
    expected = np.mean([theirs.score_samples(x) for _ in range(400)], axis=0)
    v = jnp.asarray(x, jnp.float32)
    each = [unit_log_probability(ours, v, jnp.full(60, unit)) for unit in range(12)]
    np.testing.assert_allclose(np.sum(each, axis=0).mean(), expected.mean(), rtol=0.01)
    keys = jax.random.split(jax.random.key(0), 400)
    drawn = jax.vmap(lambda key: pseudo_log_likelihood(ours, v, key))(keys)
    np.testing.assert_allclose(drawn.mean(), np.sum(each, axis=0).mean(), rtol=0.01)


def test_pseudo_likelihood_is_the_sum_of_conditionals():
    machine = small.random_machine(visible=4, hidden=3)
    p, every = small.joint(machine)[1], small.states(4)
    for unit in range(4):
        flipped = every.copy()
        flipped[:, unit] = 1 - flipped[:, unit]
        other = np.array([p[(every == row).all(axis=1)][0] for row in flipped])
        found = unit_log_probability(
            machine, jnp.asarray(every, jnp.float32), jnp.full(16, unit)
        )
        np.testing.assert_allclose(found, np.log(p / (p + other)), atol=1e-5)


def _refused(name, match, **changes):
    with pytest.raises(InputError, match=match) as caught:
        Recipe.build(recipes.plain(name, **changes))
    assert "\n" not in str(caught.value)


def test_impossible_knobs_are_refused():
    _refused("rbm", "chains=0 is not .* 1 or more", experiment__chains="0")
    _refused("rbm", "sweeps=-1 is not .* 1 or more", experiment__sweeps="-1")
    _refused("rbm", "persistent chains", experiment__temperatures="3")
    _refused(
        "rbm", "'bernouli' is unknown; did you mean", model__machine__visible="bernouli"
    )
    _refused("rbm", r"does not fit inputs of 64", model__machine__example_shape="(7,)")


def test_data_outside_the_unit_interval_is_refused():
    experiment = recipes.recipe("rbm").experiment
    with pytest.raises(InputError, match=r"examples in \[-1, 1\] for Bernoulli"):
        experiment.check_data(-1.0, 1.0)
    experiment.check_data(0.0, 1.0)


@pytest.mark.full
def test_sparsity_and_labels_do_not_depend_on_devices():
    """Kinds of state that the tiny variants of the configs do not have."""
    part = {"name": "kl_sparsity", "weight": 1.0, "target": 0.1}
    for name, changes in (
        ("rbm", {"regularizer": part, "mean_decay": 0.9}),
        ("dbn", {"labels": 10}),
    ):
        config = recipes.plain(name)
        config["start"], config["stages"] = {"name": "fresh"}, []
        target = (
            config["model"]["machine"] if "labels" in changes else config["experiment"]
        )
        target.update(changes)
        built = Recipe.build(config)
        one, metrics = recipes.run_rounds(built, 3, 3)
        four, _ = recipes.run_rounds(built, 3, 1, 4, "pmap")
        recipes.assert_close(one, four, 1e-5)
        assert all(np.isfinite(values).all() for values in metrics.values())


def test_sparsity_pulls_activations_to_its_target():
    config = recipes.plain("rbm", optimizer__rbm__learning_rate="0.1")
    found = {}
    for weight in (0.0, 20.0):
        part = {"name": "kl_sparsity", "weight": weight, "target": 0.6}
        config["experiment"]["regularizer"] = part
        _, metrics = recipes.run_rounds(Recipe.build(config), 60, 60)
        found[weight] = metrics["rbm/mean_activation"][-10:].mean()
    assert abs(found[20.0] - 0.6) < 0.1
    assert found[0.0] < 0.4


def _of_units(**knobs):
    """An RBM on points of four units, with its parameters drawn wide, and its data."""
    model = knobs.pop("model", {})
    arrays = {
        "x": small.states(4)[[1, 6, 11, 12]].astype(np.float32),
        "label": np.array([0, 1, 2, 1], np.int32),
    }
    splits = array_splits({"train": arrays}, validation_fraction=0.0, test_fraction=0.0)
    spec = {
        "experiment": {"name": "rbm", **knobs},
        "objective": {"name": "energy_difference"},
        "model": {"machine": dict(name="rbm", hidden=3, std=1.0, **model)},
        "optimizer": {"rbm": {"name": "sgd", "learning_rate": 0.1}},
    }
    experiment = build_experiment(spec, Dataset("units", splits, (4,), num_classes=3))
    batch = jax.tree.map(jnp.asarray, arrays)
    params, extra = experiment.init(jax.random.key(3), batch)
    draw = Draw(batch, jax.random.key(1), jnp.zeros((), jnp.int32))
    return experiment, params, extra, draw


@pytest.mark.parametrize("chains", [None, 6])
def test_the_loss_has_the_published_gradient_and_moves_its_chains(chains):
    experiment, params, extra, draw = _of_units(
        sweeps=2, chains=chains, weight_decay=0.3
    )
    loss = experiment.players()["rbm"].loss
    machine = experiment.machine(params, extra)
    start = extra["chains"][ROLE] if chains else draw.batch["x"]
    states = gibbs.sweeps(machine, start, draw.key("negative"), 2)
    renewed = loss(params, extra, draw).extra
    if chains:
        np.testing.assert_array_equal(renewed["chains"][ROLE], states)
        assert np.any(states != start)

    def correlation(v):
        return v.T @ machine.hidden.mean(machine.hidden_field(v)) / len(v)

    total = lambda p: sum(map(jnp.mean, loss(p, extra, draw).terms.values()))
    found = jax.grad(total)(params)["rbm"]["machine"]["kernel"]
    expected = correlation(states) - correlation(draw.batch["x"]) + 0.3 * machine.kernel
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_likelihood_of_a_machine_with_labels_is_of_the_example_alone():
    experiment, params, extra, draw = _of_units(model=dict(labels=3))
    machine = experiment.machine(params, extra)
    _, p, log_z = small.joint(machine)
    states = small.visible_states(machine)
    expected = [
        np.log(p[(states[:, :4] == np.asarray(x)).all(axis=1)].sum())
        for x in draw.batch["x"]
    ]
    found = experiment.log_unnormalized(params, extra, draw) - log_z
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("model", [dict(visible="gaussian", scale=0.2), dict(labels=3)])
def test_squared_error_is_in_the_unit_of_the_examples(model):
    experiment, params, extra, draw = _of_units(model=model)
    x = draw.batch["x"]
    v = experiment.machine_states(params, extra, draw)
    back = experiment.machine(params, extra).reconstruct(v)[:, :4]
    gap = np.asarray(back * model.get("scale", 1.0) - x)
    found = experiment.measure(params, extra, draw)["squared_error"]
    np.testing.assert_allclose(found, 0.5 * np.square(gap).sum(axis=1), rtol=1e-4)


def test_running_mean_of_copied_units_has_the_slope_of_the_batch():
    """Two copies of a hidden unit are one; a decay changes the mean's value, not its slope."""
    part = {"name": "kl_sparsity", "weight": 1.0, "target": 0.1}
    knobs = dict(regularizer=part, model=dict(hidden_copies=2))

    def gradient(decay):
        experiment, params, extra, draw = _of_units(mean_decay=decay, **knobs)
        loss = experiment.players()["rbm"].loss
        if decay:  # the running mean at the batch's own
            code = experiment.encode(params, extra, draw.batch["x"])
            extra = {**extra, "code_mean": {"units": jnp.mean(code, axis=0)}}
        term = lambda p: loss(p, extra, draw).terms["regularization"]
        return jax.grad(term)(params)["rbm"]["machine"]["kernel"]

    gradients = gradient(None), gradient(0.9)
    assert np.abs(gradients[0]).max() > 0.01
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-6)


def test_weight_decay_is_half_the_squared_weights():
    plain = recipes.recipe("rbm")
    _, metrics = recipes.run_rounds(plain, 1, 1)
    kernel = jax.device_get(plain.init_state()).params["rbm"]["machine"]["kernel"]
    expected = 0.5 * 1e-4 * np.sum(np.square(kernel))
    np.testing.assert_allclose(metrics["rbm/weight_decay"][0], expected, rtol=1e-4)


def test_chains_must_be_shared_evenly():
    built = Recipe.build(recipes.plain("rbm_pcd", experiment__chains="6"))
    with pytest.raises(InputError, match="chains=6 cannot be shared evenly"):
        recipes.run_rounds(built, 1, 1, 4, "pmap")


def test_visible_biases_start_at_the_mean_of_the_data():
    x = jnp.zeros((1, 3))
    for kind, expected in (
        ("bernoulli", [np.log(3.0), 0.0, np.log(0.001 / 0.999)]),
        ("gaussian", [1.5, 1.0, 0.0]),
    ):
        module = Rbm((3,), 2, visible=kind, scale=0.5, example_mean=[0.75, 0.5, 0.0])
        params = module.init(jax.random.key(0), x)["params"]
        np.testing.assert_allclose(params["visible_bias"], expected, rtol=1e-5)
