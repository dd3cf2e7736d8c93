"""Several heads on one encoder, and a classifier that learns from generated examples too."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.game import rng
from genlab.game.turn import Draw
from genlab.run.recipe import Recipe


def _terms(built, **changed):
    """The loss of a first move, with knobs of the family changed, and what it was asked with."""
    experiment = dataclasses.replace(built.experiment, **changed)
    key = jax.random.key(0)
    x = jax.random.uniform(key, (8, *built.data.example_shape))
    draw = Draw({"x": x, "label": jnp.arange(8)}, key, jnp.zeros((), jnp.int32))
    params, extra = experiment.init(key, draw.batch)
    (player,) = experiment.players().values()
    return player.loss(params, extra, draw), (experiment, params, extra, draw)


def test_each_head_has_its_loss_and_its_weight():
    built = recipes.recipe("multi_task")
    whole, seen = _terms(built, reconstruction_weight=1.0)
    assert whole.terms.keys() == {"cross_entropy", "rotation", "reconstruction"}
    experiment, params, extra, draw = seen
    # Nothing is drawn in these networks, so that the losses are those that are measured.
    measured = experiment.measure(params, extra, draw)
    half, _ = _terms(built, class_weight=0.5, rotation_weight=0.0)
    for name, loss in whole.terms.items():
        np.testing.assert_allclose(loss, measured[name], rtol=1e-5)
    np.testing.assert_allclose(
        half.terms["cross_entropy"], 0.5 * whole.terms["cross_entropy"], rtol=1e-6
    )
    assert not half.terms["rotation"].any()


def test_one_head_is_the_single_task():
    plain = recipes.plain("multi_task")
    plain["model"] = {name: plain["model"][name] for name in ("encoder", "rotator")}
    built = Recipe.build(plain)
    loss, (experiment, params, extra, draw) = _terms(built)
    assert loss.terms.keys() == {"rotation"}
    with pytest.raises(InputError, match="no head that reconstructs"):
        experiment.reconstruct(params, extra, draw.batch["x"])


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda m: [m.pop(h) for h in ("classifier", "rotator", "decoder")], "a head"),
        (lambda m: m["rotator"].update(num_classes=8), r"\(2, 4\) is needed"),
        (lambda m: m["decoder"].update(image_shape=(4, 4, 1)), "is needed"),
    ],
)
def test_heads_that_do_not_fit_are_refused(change, message):
    plain = recipes.plain("multi_task")
    change(plain["model"])
    with pytest.raises(InputError, match=message):
        Recipe.build(plain)


def test_generated_examples_are_judged_by_the_class_that_they_were_asked_for():
    built = recipes.recipe("generated_augmentation")
    loss, (experiment, params, extra, draw) = _terms(built, generated_weight=2.0)
    assert loss.terms.keys() == {"cross_entropy", "generated"}
    label = rng.classes(draw.key("classes"), 8, 10)
    noise = rng.normal(draw.key("noise"), (8, experiment.noise_dim))
    fake = experiment.networks["generator"](params, extra, noise, label=label)
    logits = experiment.logits(params, extra, fake)
    by_hand = -2 * jax.nn.log_softmax(logits)[jnp.arange(8), label]
    np.testing.assert_allclose(loss.terms["generated"], by_hand, rtol=1e-4)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda c: c["model"].pop("generator"), "generated_weight and model.generator"),
        (lambda c: c["experiment"].pop("generated_weight"), "go together"),
        (
            lambda c: c["model"].update(generator=c["model"]["generator"]["network"]),
            "takes a label",
        ),
        (lambda c: c["data"].update(image_size=16), "makes examples"),
    ],
)
def test_a_generator_that_does_not_fit_is_refused(change, message):
    plain = recipes.plain("generated_augmentation")
    plain["model"]["generator"]["network"]["image_shape"] = [8, 8, 1]
    change(plain)
    with pytest.raises(InputError, match=message):
        Recipe.build(plain)
