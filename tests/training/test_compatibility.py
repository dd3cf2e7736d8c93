"""Parts that cannot stand each other are refused, or warned of, in one line."""

import flax.linen as nn
import pytest
import recipes

from genlab.errors import InputError
from genlab.run.recipe import Recipe
from genlab.training.fit import check_fit

R1 = {"name": "r1", "weight": 1.0}


def check(name, **changes):
    """What a run does before its first round."""
    config = recipes.plain(name)
    for key, value in changes.items():
        section, _, knob = key.partition("__")
        config[section] = {**config[section], knob: value} if knob else value
    built = Recipe.build(config)
    check_fit(built, built.feed())


def test_a_generator_makes_examples_in_the_range_of_the_data():
    told = (
        r"makes examples in \[-1, 1\], and the prepared ones are in \[0, 1\]; set data"
    )
    with pytest.raises(InputError, match=f"model.generator: 'DcganGenerator' {told}"):
        check("dcgan", data__value_range=[0.0, 1.0])


def test_points_may_lie_inside_the_range():
    generator = {"name": "mlp_generator", "hidden": [8], "output_activation": "tanh"}
    config = recipes.plain("gan_ring")
    model = {**config["model"], "generator": generator}
    data = {key: v for key, v in config["data"].items() if key != "name"}
    with pytest.raises(InputError, match=r"'MlpGenerator' makes examples in \[-1, 1\]"):
        check("gan_ring", model=model)
    check("gan_ring", model=model, data={**data, "name": "toy2d", "radius": 0.5})


def test_what_nothing_bounds_is_refused():
    wasserstein = {"name": "wasserstein"}
    told = r"'wasserstein' has no minimum unless .* give the experiment a penalty \(dragan, grad.*, r1, r2\)"
    with pytest.raises(InputError, match=told):
        check("dcgan", objective=wasserstein)
    with pytest.raises(InputError, match="'wasserstein'"):
        check("pix2pix", objective=wasserstein)
    check("gan_ring", objective=wasserstein, experiment__penalty=R1)
    check("gan_ring", objective=wasserstein, experiment__penalty=["gradient_penalty"])


def test_batch_normalisation_under_a_penalty_of_the_slope_is_refused():
    check("gan_ring", experiment__penalty=R1)
    for penalty in ("r1", "r2", "gradient_penalty", "dragan"):
        told = f"penalty '{penalty}' is of the slope .* logits of model.discriminator"
        with pytest.raises(InputError, match=told):
            check("dcgan", experiment__penalty=penalty, data__image_size=16)


def test_weights_in_bounds_bound_the_slope():
    wasserstein = {"name": "wasserstein"}
    optimizer = recipes.plain("gan_ring")["optimizer"]
    for player in ("generator", "discriminator"):
        clipped = {**optimizer[player], "clip_weights": 0.01}
        chosen = {"objective": wasserstein, "optimizer": {**optimizer, player: clipped}}
        chosen["experiment__penalty"] = None
        if player == "discriminator":
            check("gan_ring", **chosen)
            continue
        with pytest.raises(InputError, match="or the critic's optimizer clip_weights"):
            check("gan_ring", **chosen)


def test_an_objective_of_autoencoders_refuses_other_critics():
    told = "'began' is of a discriminator that is an autoencoder, and model.discrim"
    with pytest.raises(InputError, match=told):
        check("gan_ring", objective={"name": "began"})


def test_matching_features_needs_a_critic_that_shows_some():
    model = recipes.plain("gan_ring")["model"]
    silent = {**model, "discriminator": {"name": "test_compatibility:Silent"}}
    told = "needs a discriminator with a method 'features'"
    with pytest.raises(InputError, match=told):
        check("gan_ring", objective={"name": "feature_matching"}, model=silent)
    telling = {**model, "discriminator": {"name": "test_compatibility:Telling"}}
    check("gan_ring", objective={"name": "feature_matching"}, model=telling)


class Silent(nn.Module):
    """A critic that says nothing of its features."""

    @nn.compact
    def __call__(self, x, *, train=False):
        return nn.Dense(1)(x)[:, 0]


class Telling(nn.Module):
    """A critic with features."""

    def setup(self):
        self.hidden, self.head = nn.Dense(3), nn.Dense(1)

    def features(self, x, *, train=False):
        return nn.tanh(self.hidden(x))

    def __call__(self, x, *, train=False):
        return self.head(self.features(x))[:, 0]


def test_changes_of_images_refuse_points():
    for part in ("diff_augment", "ada"):
        with pytest.raises(InputError, match=f"{part} is of images"):
            check("gan_ring", experiment__augment=part)
    wrong = {"name": "diff_augment", "policy": ["colour"]}
    with pytest.raises(InputError, match=r"no change 'colour'; did you mean 'color'"):
        check("dcgan", experiment__augment=wrong)
