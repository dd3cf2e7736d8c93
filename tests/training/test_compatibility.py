"""Parts that cannot stand each other are refused, or warned of, in one line."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest
import recipes

from genlab.errors import InputError
from genlab.game import comparison
from genlab.game.turn import Draw
from genlab.objectives.weights import orthogonal_regularization
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
    with pytest.raises(InputError, match=f"model.generator: 'dcgan_generator' {told}"):
        check("dcgan", data__value_range=[0.0, 1.0])


def test_points_may_lie_inside_the_range():
    generator = {"name": "mlp_generator", "hidden": [8], "output_activation": "tanh"}
    config = recipes.plain("gan_ring")
    model = {**config["model"], "generator": generator}
    data = {key: v for key, v in config["data"].items() if key != "name"}
    with pytest.raises(
        InputError, match=r"'mlp_generator' makes examples in \[-1, 1\]"
    ):
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


def test_a_bound_on_the_slope_of_a_generator_bounds_no_critic():
    chosen = {"objective": {"name": "wasserstein"}, "experiment__penalty": None}
    model = recipes.plain("gan_ring")["model"]
    spectral = {"name": "spectral", "network": model["generator"]}
    with pytest.raises(InputError, match="'wasserstein' has no minimum"):
        check("gan_ring", **chosen, model__generator=spectral)
    spectral = {"name": "spectral", "network": model["discriminator"]}
    check("gan_ring", **chosen, model__discriminator=spectral)


def test_objectives_of_a_standard_prior_refuse_one_that_is_learned():
    prior = {"name": "mixture_prior", "components": 3}
    check("vae", model__prior=prior)
    for name in ("beta_tcvae", "info_vae"):
        with pytest.raises(InputError, match=f"'{name}' holds codes against N"):
            check("vae", model__prior=prior, objective={"name": name})
    with pytest.raises(InputError, match="has no 'prior'"):  # its KL is not closed
        check("soft_intro_vae", model__prior=prior)


def test_networks_and_machines_have_the_classes_of_the_data():
    model = recipes.plain("cgan")["model"]
    few = {**model["discriminator"], "num_classes": 3}
    with pytest.raises(InputError, match=r"model.discriminator: .* is of 3 classes"):
        check("cgan", model__discriminator=few)
    machine = recipes.plain("rbm")["model"]["machine"]
    with pytest.raises(InputError, match="'rbm' is of 5 classes, and 'digits' has 10"):
        check("rbm", model__machine={**machine, "labels": 5})
    classifier = recipes.plain("multi_task")["model"]["classifier"]
    with pytest.raises(InputError, match=r"model.classifier: .* is of 5 classes"):
        check("multi_task", model__classifier={**classifier, "num_classes": 5})


def test_knobs_that_nothing_would_look_at_are_refused():
    model = recipes.plain("deep_infomax")["model"]
    for role, knob in (("whole", "alpha"), ("local", "beta")):
        without = {name: part for name, part in model.items() if name != role}
        told = rf"experiment.{knob}=1.0 weighs scores of model.{role}"
        with pytest.raises(InputError, match=told):
            check("deep_infomax", model=without, **{f"experiment__{knob}": 1.0})
    with pytest.raises(InputError, match="interpolated conditions need a network"):
        check("dirac_gan", experiment__interpolated=0.5)
    with pytest.raises(InputError, match="experiment.mean_decay=0.9 is of the mean"):
        check("rbm", experiment__mean_decay=0.9)


def test_sparsity_of_sigmoid_units_refuses_others():
    encoder = recipes.plain("sparse_autoencoder")["model"]["encoder"]
    check("sparse_autoencoder")
    relu = {**encoder, "activation": "relu", "code_activation": None}
    with pytest.raises(InputError, match="'kl_sparsity' is of sigmoid units"):
        check("sparse_autoencoder", model__encoder=relu)


def test_each_of_two_discriminators_pays_for_its_own_weights():
    config = recipes.plain("cyclegan")
    config["experiment"]["penalty"] = "orthogonal_regularization"
    built = Recipe.build(config)
    state, experiment = built.init_state(), built.experiment
    batch = {"x": jnp.zeros((2, *built.data.example_shape))}
    draw = Draw(batch, jax.random.key(0), jnp.zeros((), jnp.int32))
    paid, parts = {}, {}
    for role in ("discriminator_x", "discriminator_y"):
        images = (batch["x"],)
        found = comparison.compare_and_pay(
            experiment, role, state.params, state.extra, draw, images, images
        )
        paid[role] = float(sum(jnp.mean(term) for term in found[1].values()))
        weights = {role: state.params["discriminators"][role]}
        parts[role] = float(jnp.mean(orthogonal_regularization(weights)))
    assert paid == pytest.approx(parts)
    assert paid["discriminator_x"] != paid["discriminator_y"]


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


@pytest.mark.parametrize("batch, told", [(100, False), (5000, True)])
def test_a_batch_of_more_than_all_examples_is_told_of(batch, told, caplog):
    config = recipes.plain("vae")
    config["train"] = {**config["train"], "batch_size": batch}
    built = Recipe.build(config)
    check_fit(built, built.feed())
    assert ("a batch has copies of some" in caplog.text) == told
