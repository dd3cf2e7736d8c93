"""A mistake in one part blames that part, when a program is traced for the first time."""

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import recipes

from genlab.errors import InputError
from genlab.evaluation import evaluate
from genlab.game.optim import Optimizer
from genlab.game.turn import Loss
from genlab.registry import objectives
from genlab.run.build import build_experiment
from genlab.run.recipe import Recipe
from genlab.training.fit import check_fit


def unsummed(outputs, x):
    return jnp.square(outputs - x)


def averaged(outputs, x):
    return jnp.mean(jnp.square(outputs - x))[None]


def split_up(outputs, x):
    return [jnp.mean(jnp.square(outputs - x))]


def rounded(outputs, x):
    return jnp.sum(jnp.square(outputs - x), axis=(1, 2, 3)).astype(jnp.int32)


def stacked(reconstruction, kl):
    return {"both": jnp.stack([reconstruction, kl])}


def for_two(outputs, x):
    return {"player": unsummed(outputs, x).mean(axis=(1, 2, 3))}


def for_one(real_logits, fake_logits):
    return fake_logits - real_logits


def half(real_logits):
    return {"discriminator": {"real": real_logits}}


def in_one(reconstruction, kl):
    return reconstruction + kl


def in_parts(critic, real):
    return {"far": critic(real) ** 2, "near": critic(real)}


def no_transform():
    return Optimizer(lambda gradient: gradient)


def bare():
    return optax.sgd


def a_number():
    return 0.5


def two_at_once():
    return lambda step: jnp.ones(2) * step


def nothing(*arrays, key=None):
    return None


def halved(image, key):
    return image[:4]


class Silent(nn.Module):
    @nn.compact
    def __call__(self, x, *, train=False):
        nn.Dense(3)(x)


class Idle(nn.Module):
    @nn.compact
    def __call__(self, x, *, train=False):
        return x


def check(config):
    """What a run does before its first round."""
    built = Recipe.build(config)
    check_fit(built, built.feed())


PART = "penalty_test_returned:in_parts"


def metrics_of(config):
    """Names of the metrics of a round, traced on shapes."""
    built = Recipe.build(config)
    batch = jax.tree.map(lambda leaf: leaf[None], built.example_batch())
    step = built.experiment.train_step
    return set(jax.eval_shape(step, built.shapes(), batch, jax.random.key(0))[1])


@pytest.mark.parametrize(
    ("config", "section", "part", "told"),
    [
        (
            "autoencoder",
            "objective",
            "unsummed",
            r"returned shape \[2, 8, 8, 1\] of B=2",
        ),
        ("autoencoder", "objective", "averaged", r"returned shape \[1\] of B=2"),
        ("autoencoder", "objective", "split_up", "returned a list, not an array"),
        ("autoencoder", "objective", "rounded", "returned int32, not floats"),
        (
            "autoencoder",
            "objective",
            "for_two",
            "'autoencoder', term 'reconstruction' returned a dict, not an array",
        ),
        (
            "gan_ring",
            "objective",
            "for_one",
            "'for_one' returned no .* 'discriminator'",
        ),
        ("gan_ring", "objective", "half", "'half' returned no .* 'generator'"),
        ("vae", "objective", "stacked", r"term 'both' returned shape \[2, 8\]"),
        (
            "vae",
            "optimizer",
            "no_transform",
            "GradientTransformation, not of a function",
        ),
        (
            "vae",
            "optimizer",
            "bare",
            "'bare' returned a function, not an optax.GradientTransformation",
        ),
        ("vae", "schedule", "a_number", "returned a float, not a function"),
        ("vae", "data", "nothing", "returned a NoneType, not a genlab.Dataset"),
        ("vae", "augment", "halved", r"shape \[4, 8, 1\]; it must be .* \[8, 8, 1\]"),
        ("classifier", "degrade", "nothing", "returned a NoneType; .* of 3 axes"),
        ("denoising_autoencoder", "corruption", "nothing", "NoneType; .* of shape"),
        ("vae", "model", "nothing", "model.encoder: 'nothing' is no network"),
        ("vae", "model", "Silent", "model.encoder: 'Silent' returned a NoneType"),
        ("vae", "model", "Idle", "model.encoder: 'Idle' has no parameters to train"),
        ("vae", "schedule", "two_at_once", "not one number"),
    ],
)
def test_the_part_that_returns_something_else_is_named(config, section, part, told):
    config = recipes.plain(config)
    name = f"test_returned:{part}"
    if section == "objective":
        config[section] = {"name": name}
    elif section == "data":
        config[section]["name"] = name
    elif section in ("augment", "degrade"):
        config["data"][section] = [name] if section == "augment" else {"name": name}
    elif section == "corruption":
        config["experiment"][section] = {"name": name}
    elif section == "model":
        config[section]["encoder"] = {"name": name}
    elif section == "optimizer":
        config[section] = {"vae": {"name": name}}
    else:
        config["optimizer"]["vae"]["schedule"] = {"name": name}
    with pytest.raises(InputError, match=told) as error:
        check(config)
    assert part in str(error.value) or part in ("no_transform", "for_two")


def test_one_term_or_several_are_the_parts_own_choice():
    """A loss of a VAE is one array or a dict of them, and so is a penalty."""
    config = recipes.plain("vae")
    config["objective"] = {"name": "test_returned:in_one"}
    assert "vae/objective" in metrics_of(config)
    config = recipes.plain("gan_ring")
    penalty = {"name": "test_returned:in_parts"}
    for penalties, term in ((penalty, "penalty"), ([penalty, "r1"], PART)):
        config["experiment"]["penalty"] = penalties
        found = {f"discriminator/{term}_{name}" for name in ("far", "near")}
        assert found <= metrics_of(config)


def test_registered_objectives_keep_what_they_say_of_themselves():
    built = objectives.build("bernoulli")
    assert built.func.support == (0.0, 1.0) and built.func.__name__ == "bernoulli"


def test_an_objective_without_a_name_of_its_own(monkeypatch):
    @dataclasses.dataclass
    class Loss:
        power: int = 2

        def __call__(self, x):
            return [x**self.power]

    for part, told in ((Loss(), "Loss"), (functools.partial(Loss()), "Loss")):
        monkeypatch.setattr(recipes, "my_loss", part, raising=False)
        with pytest.raises(InputError, match=f"objective '{told}' returned a list"):
            objectives.build("recipes:my_loss")(jnp.ones(2))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (lambda x: x, r"'score', is float32\[16, 8, 8, 1\]; it must be .* \[B=16\]"),
        (lambda x: jnp.mean(x)[None], r"'score', is float32\[1\]; it must be"),
        (
            lambda x: jnp.mean(x),
            r"'score', is float32\[\]; it must be a number of each",
        ),
        (lambda x: 3.0, "'score', is a float; it must be"),
    ],
)
def test_what_a_family_measures_is_one_number_per_example(value, told):
    """Not an array that broadcasts against the mask of the last batch."""
    built = recipes.recipe("vae")
    trained = built.trained(jax.device_put(built.init_state()))
    measured = lambda self, params, extra, draw: {"score": value(draw.batch["x"])}
    family = type("Measured", (type(built.experiment),), {"measure": measured})
    fields = {
        f.name: getattr(built.experiment, f.name) for f in dataclasses.fields(family)
    }
    trained.experiment = family(**fields)
    trained._build = lambda knobs: trained.experiment
    with pytest.raises(InputError, match=f"'Measured'.*{told}"):
        trained.scores("test", 16)


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (lambda *_: jnp.zeros(()), "player 'vae': .* is no Loss"),
        (lambda *_: Loss(jnp.zeros(2), {}), "player 'vae': terms of a Loss are a dict"),
    ],
)
def test_a_loss_that_is_none_names_its_player(loss, told):
    built = recipes.recipe("vae")
    spec = {
        s: built.config[s] for s in ("experiment", "objective", "model", "optimizer")
    }
    experiment = build_experiment(spec, built.data)
    family = type("Lossless", (type(experiment),), {"_loss": loss})
    fields = {f.name: getattr(experiment, f.name) for f in dataclasses.fields(family)}
    batch = jax.tree.map(lambda leaf: leaf[None], built.example_batch())
    step = functools.partial(jax.eval_shape, family(**fields).train_step)
    with pytest.raises(InputError, match=told):
        step(built.shapes(), batch, jax.random.key(0))


def test_pictures_and_measurements_are_looked_at():
    with pytest.raises(InputError, match="gives a list, not a picture"):
        evaluate._picture("plot", [])
    with pytest.raises(InputError, match="uint8.5, 5., not a picture"):
        evaluate._picture("plot", np.zeros((5, 5), np.uint8))
