"""What the discriminators of translation are shown and pay, as those of a GAN."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from genlab.shipped.experiments.bicyclegan import BicycleGan
from genlab.shipped.experiments.cyclegan import CycleGan
from genlab.shipped.experiments.translation import Pix2Pix

from genlab.errors import InputError
from genlab.game.network import Network
from genlab.game.turn import Draw
from genlab.objectives.adversarial import wasserstein
from genlab.registry import optimizers
from genlab.run.recipe import Recipe
from genlab.training.compatibility import check_critics

R1 = dict(name="r1", weight=32.0)
NOISE = dict(name="gaussian_noise", std=0.5)
SCALE = 3.0


class Grey(nn.Module):
    """Grey images, whatever the input."""

    @nn.compact
    def __call__(self, x, z=None, *, train: bool = False):
        return jnp.zeros_like(x) + self.param("value", nn.initializers.zeros, (1,) * 4)


class Halves(nn.Module):
    """A logit for each half of the last image: SCALE times its mean."""

    @nn.compact
    def __call__(self, *images, train: bool = False):
        scale = self.param("scale", nn.initializers.constant(SCALE), (1,) * 3)
        return scale * images[-1].reshape(images[-1].shape[0], 2, 1, -1).mean(-1)


class Gap(nn.Module):
    """The mean absolute difference of the first image from the last."""

    @nn.compact
    def __call__(self, *images, train: bool = False):
        scale = self.param("scale", nn.initializers.ones, (1,))
        return scale * jnp.abs(images[0] - images[-1]).mean((1, 2, 3))


class Squares(nn.Module):
    """The mean square of the last image."""

    @nn.compact
    def __call__(self, *images, train: bool = False):
        scale = self.param("scale", nn.initializers.ones, (1,))
        return scale * jnp.square(images[-1]).mean((1, 2, 3))


class Code(nn.Module):
    """Mean 0 and variance 1, whatever the image."""

    @nn.compact
    def __call__(self, x, *, train: bool = False):
        zero = self.param("zero", nn.initializers.zeros, (1, 1))
        return zero + jnp.zeros((len(x), 2)), jnp.zeros((len(x), 2))


def terms(family, critic, pair, **knobs):
    """Terms of the discriminators, averaged, where they see images `pair`, [B, 4, 4, 1] each."""
    networks = {
        role: critic
        if role.startswith("discriminator")
        else (Code() if role == "encoder" else Grey())
        for role in family.ROLES
    }
    adam = optimizers.choose(dict(name="adam", learning_rate=1e-3))()
    experiment = family(
        {role: Network(role, module) for role, module in networks.items()},
        wasserstein,
        dict.fromkeys(family.PLAYERS, adam),
        **knobs,
    )
    batch = dict(zip("xy", pair, strict=True))
    params, extra = experiment.init(jax.random.key(0), batch)
    draw = Draw(batch, jax.random.key(1), jnp.zeros((), jnp.int32))
    (name,) = (name for name in family.PLAYERS if name.startswith("discriminator"))
    found = experiment.players()[name].loss(params, extra, draw).terms
    return {term: float(jnp.mean(values)) for term, values in found.items()}


def images(key, count=64):
    return jax.random.uniform(jax.random.key(key), (count, 4, 4, 1), minval=-1.0)


@pytest.mark.parametrize("family", [Pix2Pix, CycleGan, BicycleGan])
def test_penalties_of_discriminators_are_those_of_their_outputs(family):
    """The mean of two patches has a slope of SCALE / 16 at each of 16 pixels; no weight of the game
    is on it."""
    found = terms(
        family,
        Halves(),
        (images(0), images(1)),
        penalty=[R1, dict(name="r2", weight=2.0)],
        discriminator_weight=0.25,
    )
    slope = 16 * (SCALE / 16) ** 2
    paid = {name: value for name, value in found.items() if "penalty" in name}
    assert len(paid) == (2 if family is Pix2Pix else 4)
    for name, value in paid.items():
        weight = 32.0 if "r1" in name else 2.0
        assert value == pytest.approx(0.5 * weight * slope)


@pytest.mark.parametrize("family", [Pix2Pix, BicycleGan])
def test_both_images_of_a_pair_are_shown_changed_alike(family):
    """Equal images stay equal, and an even one and noise are as far apart as the noise was wide."""
    same = images(0)
    found = terms(family, Gap(), (same, same), augment=[NOISE, "flip_and_shift"])
    real = [value for name, value in found.items() if name.startswith("real")]
    np.testing.assert_allclose(real, 0.0, atol=1e-6)
    assert min(v for n, v in found.items() if n.startswith("fake")) > 0.01


@pytest.mark.parametrize("family", [Pix2Pix, CycleGan, BicycleGan])
def test_noise_is_shown_with_real_and_generated_images(family):
    grey = jnp.zeros((64, 4, 4, 1))
    found = terms(
        family, Squares(), (grey, grey), augment=NOISE, discriminator_weight=1.0
    )
    for name, value in found.items():
        if name.startswith(("real", "fake")):
            assert abs(value) == pytest.approx(0.25, rel=0.15), name


def test_a_probability_that_adapts_is_remembered_where_one_discriminator_judges():
    knobs = {"experiment__augment": "ada"}
    built = Recipe.build(recipes.plain("pix2pix", **knobs))
    assert built.shapes().extra["memory"]["augment"]["ada"]
    with pytest.raises(InputError, match="memory"):
        Recipe.build(recipes.plain("cyclegan", **knobs))


def test_a_slope_at_one_example_is_refused_beside_batch_norm():
    knobs = {"experiment__penalty": "r1", "model__discriminator__norm": "batch"}
    built = Recipe.build(recipes.plain("pix2pix", **knobs))
    with pytest.raises(InputError, match="batch normalisation"):
        check_critics(built.experiment, built.shapes())
