"""Belief networks, deep and general machines against enumeration of all their states."""

import functools

import boltzmann_machines as small
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.boltzmann import exact, general
from genlab.boltzmann.labels import label_log_probabilities
from genlab.boltzmann.mean_field import bernoulli_entropy
from genlab.config.stage import stages_of
from genlab.data.dataset import Dataset, array_splits
from genlab.errors import InputError
from genlab.game.turn import Draw
from genlab.models.dbm import Dbm
from genlab.models.mean_field_classifier import MeanFieldClassifier
from genlab.models.rbm import Rbm
from genlab.objectives.likelihood import bernoulli
from genlab.run.build import build_experiment
from genlab.run.course import Course
from genlab.run.recipe import Recipe

ENERGY = {"name": "energy_difference"}
SGD = {"name": "sgd", "learning_rate": 0.1}


def _experiment(family, model, player, **knobs):
    """An experiment on points of four units."""
    arrays = {"x": np.zeros((8, 4), np.float32), "label": np.zeros(8, np.int32)}
    splits = array_splits({"train": arrays}, validation_fraction=0.0, test_fraction=0.0)
    spec = {
        "experiment": {"name": family, **knobs},
        "objective": ENERGY,
        "model": model,
        "optimizer": {player: SGD},
    }
    return build_experiment(spec, Dataset("units", splits, (4,), num_classes=3))


def _strong(params, scale=1.0):
    """Every parameter drawn from N(0, scale^2)."""
    leaves, structure = jax.tree.flatten(params)
    generator = np.random.default_rng(0)
    drawn = [scale * generator.normal(size=leaf.shape) for leaf in leaves]
    return jax.tree.unflatten(
        structure, [jnp.asarray(leaf, jnp.float32) for leaf in drawn]
    )


def _draw(x, index=0, **batch):
    x = jnp.asarray(x, jnp.float32)
    return Draw({"x": x, **batch}, jax.random.key(index), jnp.zeros((), jnp.int32))


def _sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, np.float64)))


def _log_probability(logits, states):
    """log p of binary `states: [N, D]` under `logits: [M, D]`: [M, N]."""
    p = _sigmoid(logits)[:, None]
    return np.where(states[None] > 0, np.log(p), np.log1p(-p)).sum(axis=-1)


@functools.cache
def _belief(labels=0):
    layers = dict(name="belief_layers", widths=(3,))
    model = {
        "recognition": layers,
        "generative": {**layers, "downward": True},
        "machine": dict(name="rbm", example_shape=(3,), hidden=2, labels=labels),
    }
    experiment = _experiment("dbn", model, "dbn", sample_sweeps=5)
    params, extra = experiment.init(jax.random.key(0), {"x": jnp.zeros((2, 4))})
    return experiment, _strong(params), extra


@pytest.mark.parametrize("labels", [0, 3])
def test_bound_of_a_belief_network_is_the_mean_over_its_posterior(labels):
    experiment, params, extra = _belief(labels)
    weights = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params["dbn"])
    v, h = small.states(4), small.states(3)
    up, down = (weights[role]["layer_0"] for role in ("recognition", "generative"))
    recognised = _log_probability(v @ up["kernel"] + up["bias"], h)
    generated = _log_probability(h @ down["kernel"].T + down["bias"], v)
    machine = experiment.machine(params, extra)
    top = np.zeros(8)
    p, log_z = small.joint(machine)[1:]
    for state, share in zip(small.visible_states(machine), p, strict=True):
        top[(h == state[:3]).all(axis=1)] += share
    joint = np.log(top)[None] + generated.T
    bound = (np.exp(recognised) * (joint - recognised)).sum(axis=1)
    exact_value = np.log(np.exp(joint).sum(axis=1))
    assert (bound < exact_value).all()

    draws = jax.vmap(
        lambda key: experiment.log_unnormalized(
            params, extra, _draw(v).replace(root=key)
        )
    )(jax.random.split(jax.random.key(0), 4000))
    found = np.mean(draws, axis=0) - log_z
    error = np.std(draws, axis=0) / np.sqrt(4000)
    assert (np.abs(found - bound) < 5 * error + 1e-4).all()


def test_labels_have_their_exact_posterior():
    machine = small.random_machine(visible=6, hidden=3, labels=3)
    every, p = small.visible_states(machine), small.joint(machine)[1]
    found = np.asarray(
        label_log_probabilities(machine, jnp.asarray(every, jnp.float32))
    )
    for state, row in zip(every, found, strict=True):
        same = (every[:, :3] == state[:3]).all(axis=1)
        shares = p[same] @ every[same][:, 3:]
        np.testing.assert_allclose(np.exp(row), shares / shares.sum(), rtol=1e-4)


def test_samples_of_a_class_follow_their_label():
    experiment, params, extra = _belief(3)
    # Each label turns on one unit of the layer below, and that one pixel.
    machine = params["dbn"]["machine"]
    kernel = jnp.zeros_like(machine["kernel"])
    bias = jnp.array([-9.0, -9.0, -9.0, 0.0, 0.0, 0.0])
    kernel = kernel.at[0, 0].set(18.0).at[3, 0].set(18.0).at[1:3, 0].set(-18.0)
    clear = {
        "kernel": kernel.at[4:, 0].set(-18.0),
        "visible_bias": bias,
        "hidden_bias": jnp.zeros(2),
    }
    below = {"layer_0": {"kernel": 20.0 * jnp.eye(4, 3), "bias": jnp.full(4, -10.0)}}
    params = {"dbn": {**params["dbn"], "machine": clear, "generative": below}}
    label = jnp.array([0, 1, 0, 2])
    images = experiment.sample_classes(params, extra, label, jax.random.key(0))
    np.testing.assert_allclose(images[:, 0], [1.0, 0.0, 1.0, 0.0], atol=0.01)


def _deep(widths):
    module = Dbm((4,), widths)
    params = module.init(jax.random.key(0), jnp.zeros((1, 4)))["params"]
    return module, _strong(params, 0.7)


def test_up_down_moves_by_the_delta_rule():
    experiment, params, extra = _belief()
    draw = _draw(small.states(4))
    loss = experiment.players()["dbn"].loss

    def gradient(term, role):
        mean = lambda p: jnp.mean(loss(p, extra, draw).terms[term])
        layer = jax.grad(mean)(params)["dbn"][role]["layer_0"]
        return layer["kernel"], layer["bias"]

    def delta(role, given, wanted):
        """Of the weights that predict states from those next to them, by hand."""
        layer = jax.tree.map(np.asarray, params["dbn"][role]["layer_0"])
        down = role == "generative"
        kernel = layer["kernel"].T if down else layer["kernel"]
        gap = wanted - _sigmoid(given @ kernel + layer["bias"])
        slope = -given.T @ gap / len(gap)
        return slope.T if down else slope, -gap.mean(axis=0)

    wake = [
        np.asarray(s) for s in experiment._up(params, draw.batch["x"], draw.key("up"))
    ]
    dreamt, _, _ = experiment._negative()(
        experiment.machine(params, extra),
        extra,
        jnp.asarray(wake[1]),
        draw.key("negative"),
    )
    sleep = [np.asarray(s) for s in experiment._down(params, dreamt, draw.key("down"))]
    assert np.any(wake[0] != sleep[0])
    for term, role, states in (
        ("generation", "generative", wake[::-1]),
        ("recognition", "recognition", sleep),
    ):
        for found, expected in zip(
            gradient(term, role), delta(role, *states), strict=True
        ):
            np.testing.assert_allclose(found, expected, atol=1e-5)
        other = "recognition" if role == "generative" else "generative"
        assert not np.any(gradient(term, other)[0])


def test_machine_turned_over_leaves_the_likelihood_of_the_one_below():
    """log p(x, h) - log q(h|x) is log p(x) of the lower machine for every h; all share log Z."""
    course, sources = Course.build(recipes.plain("dbn")), {}
    for recipe in course.recipes:
        state = recipe.first_state(np.uint32(0), sources)
        params, extra = recipe.experiment.view(state)
        if recipe.stage == "layer_0":
            params = _strong(params, 1.0)
            lower = recipe.experiment.machine(params, extra)
        sources[recipe.stage] = (params, extra)
    experiment = course.last.experiment
    x = jnp.asarray(np.random.default_rng(0).integers(0, 2, (5, 8, 8, 1)), jnp.float32)
    draw = _draw(x)
    h = experiment._up(params, x, draw.key("up"))[-1]
    up = experiment._logits(params, "recognition", x.reshape(5, -1), 0)
    bound = experiment.log_unnormalized(params, extra, draw)
    found = bound - bernoulli_entropy(up) + bernoulli(up, h)
    expected = -lower.free_energy(x.reshape(5, -1))
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["dbn", "dbm"])
def test_classifier_starts_from_the_machines(name):
    """Every stage gets other numbers, so that no mapping can pass by chance."""
    course = Course.build(recipes.plain(name, "classifier"))
    sources = {}
    for index, recipe in enumerate(course.recipes):
        state = recipe.first_state(np.uint32(0), sources)
        params, extra = recipe.experiment.view(state)
        sources[recipe.stage] = (_strong(params, 1.0 + index), extra)
    found = state.params["classifier"]["classifier"]
    if name == "dbm":
        machine = sources["joint"][0]["dbm"]["machine"]
        expected = {
            f"layer_{i}/{leaf}": machine[f"{part}_{i}"]
            for i in (0, 1)
            for leaf, part in (("kernel", "kernel"), ("bias", "hidden_bias"))
        } | {"feedback/kernel": machine["kernel_1"]}
        recipes.assert_identical(found["machine"], machine)
    else:
        found = found["encoder"]
        layers = [sources[f"layer_{i}"][0]["rbm"]["machine"] for i in (0, 1)]
        expected = {
            f"layer_{i}/{leaf}": layers[i][part]
            for i in (0, 1)
            for leaf, part in (("kernel", "kernel"), ("bias", "hidden_bias"))
        }
    for path, leaf in expected.items():
        layer, parameter = path.split("/")
        np.testing.assert_array_equal(found[layer][parameter], leaf, err_msg=path)


def test_mean_field_classifier_by_hand():
    module = MeanFieldClassifier(num_classes=3, example_shape=(4,), widths=(3, 2))
    x = jnp.asarray(small.states(4)[[2, 7, 13]], jnp.float32)
    params = _strong(module.init(jax.random.key(0), x)["params"], 0.7)
    deep = Dbm((4,), (3, 2))
    _, upper = deep.posterior(params["machine"], x, count=10)
    own = jax.tree.map(np.asarray, params)
    first = x @ own["layer_0"]["kernel"] + _sigmoid(upper) @ own["feedback"]["kernel"].T
    h = _sigmoid(np.asarray(first) + own["layer_0"]["bias"])
    h = _sigmoid(h @ own["layer_1"]["kernel"] + own["layer_1"]["bias"])
    expected = h @ own["head"]["kernel"] + own["head"]["bias"]
    logits = lambda p: module.apply({"params": p}, x)
    np.testing.assert_allclose(logits(params), expected, atol=1e-5)
    moved = jax.grad(lambda p: jnp.sum(jnp.square(logits(p))))(params)
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(moved["machine"]))
    assert all(np.any(leaf) for leaf in jax.tree.leaves(moved["feedback"]))


def test_overrides_of_the_data_reach_every_stage():
    config = recipes.plain(
        "dbm", "classifier", data__image_size="8", train__batch_size="7"
    )
    stages = stages_of(config)
    assert len(stages) == 4
    for stage in stages:
        assert stage.config["data"]["image_size"] == 8
        assert stage.config["train"]["batch_size"] == 7


@pytest.mark.parametrize("widths", [(3, 2), (3, 2, 2)])
def test_deep_machine_has_the_energy_of_its_layers(widths):
    module, params = _deep(widths)
    sizes = (4, *widths)
    every = small.states(sum(sizes))
    layers = np.split(every, np.cumsum(sizes)[:-1], axis=1)
    biases = [params["visible_bias"]]
    biases += [params[f"hidden_bias_{index}"] for index in range(len(widths))]
    energy = -sum(h @ np.asarray(b) for h, b in zip(layers, biases, strict=True))
    for index in range(len(widths)):
        kernel = np.asarray(params[f"kernel_{index}"])
        energy -= np.einsum("bi,ij,bj->b", layers[index], kernel, layers[index + 1])
    machine = module.machine(params)
    odd, even = (
        jnp.asarray(np.concatenate(layers[first::2], axis=1), jnp.float32)
        for first in (1, 0)
    )
    np.testing.assert_allclose(machine.energy(odd, even), energy, atol=1e-4)
    log_z = np.log(np.exp(-energy).sum())
    np.testing.assert_allclose(exact.log_partition(machine), log_z, rtol=1e-5)
    found = module.layers(odd, even[:, 4:])
    for layer, expected in zip(found, layers[1:], strict=True):
        np.testing.assert_array_equal(layer, expected)


def test_mean_field_raises_its_bound_towards_log_p():
    module, params = _deep((3, 2))
    machine, v = module.machine(params), small.states(4)
    x = jnp.asarray(v, jnp.float32)
    h = small.states(5)
    table = np.stack(
        [
            machine.energy(
                jnp.asarray(h[:, :3], jnp.float32),
                jnp.asarray(np.hstack([np.tile(row, (32, 1)), h[:, 3:]]), jnp.float32),
            )
            for row in v
        ]
    )
    marginal = np.log(np.exp(-table.astype(np.float64)).sum(axis=1))
    bounds = []
    for count in (1, 2, 5, 30):
        odd, upper = module.posterior(params, x, count=count)
        even = jnp.concatenate([x, jax.nn.sigmoid(upper)], axis=1)
        entropy = bernoulli_entropy(odd) + bernoulli_entropy(upper)
        bounds.append(entropy - machine.energy(jax.nn.sigmoid(odd), even))
    assert (np.diff(bounds, axis=0) > -1e-5).all()
    assert (bounds[-1] <= marginal + 1e-5).all()
    assert np.mean(marginal - bounds[-1]) < 0.2
    # At the end each unit is at the mean that the others' means give it.
    kernel = np.asarray(params["kernel_0"]), np.asarray(params["kernel_1"])
    mu2 = _sigmoid(upper)
    expected = v @ kernel[0] + mu2 @ kernel[1].T + np.asarray(params["hidden_bias_0"])
    np.testing.assert_allclose(odd, expected, atol=1e-3)


def test_positive_phase_of_a_deep_machine_by_hand():
    model = {"machine": dict(name="dbm", widths=(3, 2))}
    experiment = _experiment("dbm", model, "dbm", chains=4)
    params, extra = experiment.init(jax.random.key(0), {"x": jnp.zeros((2, 4))})
    params = _strong(params, 0.5)
    x = jnp.asarray(small.states(4)[[1, 6, 11]], jnp.float32)
    loss = experiment.players()["dbm"].loss
    gradient = jax.grad(lambda p: jnp.mean(loss(p, extra, _draw(x)).terms["data"]))
    found = gradient(params)["dbm"]["machine"]
    means = np.asarray(experiment.encode(params, extra, x))
    mu1, mu2 = means[:, :3], means[:, 3:]
    np.testing.assert_allclose(found["kernel_0"], -x.T @ mu1 / 3, atol=1e-5)
    np.testing.assert_allclose(found["kernel_1"], -mu1.T @ mu2 / 3, atol=1e-5)
    np.testing.assert_allclose(found["visible_bias"], -x.mean(axis=0), atol=1e-5)


def test_completion_by_a_deep_machine_is_the_conditional_mean():
    model = {"machine": dict(name="dbm", widths=(3, 2))}
    experiment = _experiment("dbm", model, "dbm", chains=4, sample_sweeps=400)
    params, extra = experiment.init(jax.random.key(0), {"x": jnp.zeros((2, 4))})
    params = _strong(params, 0.7)
    machine = experiment.machine(params, extra)
    table = small.joint(machine)[0].sum(axis=0)  # of v and the second layer
    p = np.array(
        [
            table[(small.states(6)[:, :4] == row).all(axis=1)].sum()
            for row in small.states(4)
        ]
    )
    fits = (small.states(4)[:, :2] == [0, 1]).all(axis=1)
    expected = p[fits] @ small.states(4)[fits] / p[fits].sum()
    x = jnp.tile(jnp.array([[0.0, 1.0, 0.0, 0.0]]), (200, 1))
    known = jnp.array([True, True, False, False])
    found = experiment.complete(params, extra, x, known, jax.random.key(0))
    np.testing.assert_allclose(found.mean(axis=0), expected, atol=0.015)


def test_copies_double_what_the_other_side_receives():
    x = jnp.asarray(small.states(4)[[3, 5]], jnp.float32)
    for copies in ({"visible_copies": 2}, {"hidden_copies": 2}):
        module = Rbm((4,), 3, **copies)
        params = _strong(module.init(jax.random.key(0), x)["params"])
        machine = module.machine(params)
        v = module.visible_states(x)
        kernel, b = params["kernel"], params["hidden_bias"]
        doubled = 2 if "visible_copies" in copies else 1
        expected = doubled * (x @ kernel) + b[None]
        found = machine.hidden_field(v)[:, :3]
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        h = jnp.tile(jnp.array([[1.0, 0.0, 1.0]]), (1, machine.hidden.size // 3))
        doubled = 2 if "hidden_copies" in copies else 1
        expected = doubled * (h[:, :3] @ kernel.T) + params["visible_bias"][None]
        found = machine.visible_field(h)[:, :4]
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_deep_machine_starts_from_its_layers():
    course = Course.build(recipes.plain("dbm", devices="1"))
    sources = {}
    for recipe in course.recipes[:-1]:
        state = recipe.first_state(np.uint32(0), sources)
        sources[recipe.stage] = recipe.experiment.view(state)
    first = sources["layer_0"][0]["rbm"]["machine"]
    second = sources["layer_1"][0]
    recipes.assert_identical(
        jax.device_get(second["frozen"]["features"]["layer_0"]["kernel"]),
        2 * np.asarray(first["kernel"]),
    )
    start = course.last.first_state(np.uint32(0), sources)
    recipes.assert_identical(
        jax.device_get(start.params["dbm"]["machine"]["kernel_1"]),
        np.asarray(second["rbm"]["machine"]["kernel"]),
    )


def test_layers_that_do_not_chain_are_refused():
    def refused(name, match, **changes):
        with pytest.raises(InputError, match=match):
            Recipe.build(recipes.plain(name, **changes))

    refused("dbn", "layers do not chain", model__recognition__widths="(5,)")
    refused("dbm", "two hidden layers or more", model__machine__widths="(5,)")
    refused("dbm", "chains=0 is not a whole number", experiment__chains="0")
    with pytest.raises(InputError, match="changes 'dbm/machine/kernel_9' on the way"):
        config = recipes.plain("dbm")
        config["start"]["factors"] = {"dbm/machine/kernel_9": 0.5}
        Course.build(config)


def _general(visible, hidden, scale=0.6):
    generator = np.random.default_rng(0)
    count = visible + hidden
    upper = np.triu(scale * generator.normal(size=(count, count)), 1)
    bias = scale * generator.normal(size=count)
    return general.GeneralMachine(
        jnp.asarray(upper + upper.T, jnp.float32), jnp.asarray(bias, jnp.float32)
    )


def _table(machine):
    every = small.states(machine.bias.shape[0])
    coupling, bias = np.asarray(machine.coupling), np.asarray(machine.bias)
    minus_energy = every @ bias
    for i in range(len(bias)):
        for j in range(i):
            minus_energy += coupling[i, j] * every[:, i] * every[:, j]
    p = np.exp(minus_energy)
    return every, p / p.sum(), np.log(p.sum())


def test_general_machine_by_enumeration():
    machine = _general(4, 2)
    every, p, log_z = _table(machine)
    np.testing.assert_allclose(general.log_partition(machine), log_z, rtol=1e-5)
    energy = machine.energy(jnp.asarray(every, jnp.float32))
    np.testing.assert_allclose(-energy - log_z, np.log(p), atol=1e-5)
    with pytest.raises(InputError, match="limit is 20"):
        general.log_partition(_general(21, 0))


@pytest.mark.parametrize("hidden", [0, 2])
def test_general_machine_learns_by_the_exact_gradient(hidden):
    machine, count = _general(4, hidden), 40_000
    data = small.states(4)[[3, 9, 14]]
    every, p, _ = _table(machine)
    positive = np.zeros((4 + hidden,) * 2)
    for row in data:
        fits = (every[:, :4] == row).all(axis=1)
        positive += np.einsum(
            "s,si,sj->ij", p[fits] / p[fits].sum(), every[fits], every[fits]
        )
    exact_gradient = np.einsum("s,si,sj->ij", p, every, every) - positive / 3

    model = {"machine": dict(name="boltzmann", hidden=hidden)}
    experiment = _experiment(
        "boltzmann", model, "boltzmann", chains=count, sweeps=20, positive_sweeps=20
    )
    _, extra = experiment.init(jax.random.key(0), {"x": jnp.zeros((2, 4))})
    kernel = jnp.triu(machine.coupling, 1)
    params = {"boltzmann": {"machine": {"kernel": kernel, "bias": machine.bias}}}
    x = np.tile(data, (count // 3, 1))
    loss = experiment.players()["boltzmann"].loss

    def total(params):
        terms = loss(params, extra, _draw(x)).terms
        return sum(jnp.mean(term) for term in terms.values())

    found = jax.jit(jax.grad(total))(params)["boltzmann"]["machine"]
    expected = np.triu(exact_gradient, 1)
    np.testing.assert_allclose(found["kernel"], expected, atol=0.015)
    np.testing.assert_allclose(found["bias"], np.diag(exact_gradient), atol=0.015)
