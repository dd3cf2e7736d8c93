"""Labels reach the networks that take them, and samples are of the class that is asked for."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.commands.cli import main
from genlab.config import load as configs
from genlab.config import override
from genlab.errors import InputError
from genlab.registry import metrics, models, plots
from genlab.run.build import SECTIONS, build_experiment
from genlab.run.recipe import Recipe
from genlab.training.fit import check_fit


def conditional(name):
    """The tiny recipe of a config whose networks are all shown the class."""
    config = recipes.plain(name)
    config["model"] = {
        role: {"name": "conditional", "network": part, "width": 4}
        for role, part in config["model"].items()
    }
    config["eval"]["metrics"] = []
    config["sample"]["plots"] = ["class_samples"]
    return config


@pytest.mark.parametrize("name", ["dcgan", "vae"])
def test_a_conditional_game_trains_and_draws_a_class(name):
    built = Recipe.build(conditional(name))
    check_fit(built, built.feed())
    state, metrics = recipes.run_rounds(built, 2, 2)
    for values in metrics.values():
        assert np.isfinite(values).all()
    before = built.init_state().params
    for player, roles in state.params.items():
        moved = recipes.differences(roles, jax.device_get(before[player]))
        embeddings = {key: gap for key, gap in moved.items() if "embed/" in key}
        assert embeddings and all(gap > 0 for gap in embeddings.values())
    trained = built.trained(jax.device_put(state))
    one, again, three = (trained.sample(3, label) for label in ("1", "1", "3"))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - three).max() > 1e-4  # from the same latents
    assert trained.sample(4).shape == (4, *built.data.example_shape)
    with pytest.raises(InputError, match="label='twelve': 'digits' has 10 classes"):
        trained.sample(1, "twelve")


class Judge(nn.Module):
    """A discriminator of pairs that looks at their class."""

    @nn.compact
    def __call__(self, x, y, label, *, train: bool = False):
        seen = nn.Embed(10, 4)(label).sum(axis=-1) + x.mean(axis=(1, 2, 3))
        return nn.Dense(1)(seen[:, None] * y.mean(axis=(1, 2)))[:, 0]


@pytest.mark.parametrize("name", ["pix2pix", "bicyclegan"])
def test_a_discriminator_of_pairs_may_look_at_their_class(name):
    config = recipes.plain(name)
    config["model"]["discriminator"] = {"name": "test_conditional:Judge"}
    built = Recipe.build(config)
    check_fit(built, built.feed())


@pytest.mark.full
def test_conditional_games_follow_one_trajectory_on_any_devices():
    built = Recipe.build(conditional("vae"))
    one, four = (recipes.run_rounds(built, 2, 2, count, "jit") for count in (1, 4))
    recipes.assert_close(one[0], four[0], 1e-5)


def test_a_label_is_needed_where_a_network_takes_one():
    built = Recipe.build(conditional("vae"))
    params, extra = built.experiment.view(built.init_state())
    x, label = jnp.zeros((2, *built.data.example_shape)), jnp.array([1, 2])
    told = "model.encoder, 'conditional', takes the label of an example"
    with pytest.raises(InputError, match=told):
        built.experiment.encode(params, extra, x)
    found = built.experiment.reconstruct(params, extra, x, label)
    assert found.shape == x.shape
    plain = recipes.recipe("vae")
    assert not plain.experiment.networks["encoder"].takes_label
    params, extra = plain.experiment.view(plain.init_state())
    with pytest.raises(InputError, match="samples of a class need .*'conditional'"):
        plain.experiment.sample_classes(params, extra, label, jax.random.key(0))
    config = recipes.plain("vae")
    config["sample"]["plots"] = ["class_samples"]
    built = Recipe.build(config)
    with pytest.raises(InputError, match="samples of a class need"):
        check_fit(built, built.feed())


def test_examples_are_shown_with_their_class():
    """To what looks at examples as the model was trained on them; a probe would read the class."""
    config = conditional("vae")
    config["eval"]["metrics"] = ["posterior"]
    config["sample"]["plots"] = ["reconstructions"]
    built = Recipe.build(config)
    check_fit(built, built.feed())
    trained = built.trained(jax.device_put(built.init_state()))
    batch = trained.examples("test", 3)
    found = trained.call("reconstruct", *trained.seen_by("reconstruct", batch))
    direct = trained.call("reconstruct", batch["x"], batch["label"])
    np.testing.assert_array_equal(found, direct)
    other = trained.call("reconstruct", batch["x"], (batch["label"] + 1) % 10)
    assert np.abs(found - other).max() > 1e-4
    assert plots.build("reconstructions", num=3)(trained).shape[2] == 3
    assert metrics.build("posterior", num=3)(trained, "test").values["kl"] > 0
    for metric in ("linear_probe", "local_geometry"):
        config["eval"]["metrics"] = [metric]
        built = Recipe.build(config)
        with pytest.raises(InputError, match="takes the label of an example"):
            check_fit(built, built.feed())


def test_data_without_classes_are_refused_by_name():
    sections = {name: conditional("vae")[name] for name in SECTIONS}
    data = dataclasses.replace(recipes.recipe("vae").data, num_classes=0)
    with pytest.raises(InputError, match="'conditional' needs examples with classes"):
        build_experiment(sections, data)


def test_the_network_inside_is_a_part_like_any_other():
    config = configs.load(str(recipes.CONFIGS / "dcgan.py:conditional"))
    override.override(config, "model.generator.network.width", "8")
    override.override(config, "model.discriminator.network", "mlp_discriminator")
    configs.check_parts(configs.plain(config))
    assert config.model.generator.network.width == 8
    assert config.model.discriminator.network.to_dict() == {"name": "mlp_discriminator"}
    with pytest.raises(InputError, match="did you mean 'width'"):
        override.override(config, "model.generator.network.widht", "8")
    inside = models.build("dcgan_generator", image_shape=(8, 8, 1), width=4)
    module = models.build("conditional", network=inside, num_classes=3)
    assert module.output_range == (-1.0, 1.0)


@pytest.mark.full
def test_the_command_draws_a_class(tmp_path, capsys):
    path = recipes.CONFIGS / "vae.py:conditional"
    small = [
        *("--config.train.steps=2", "--config.eval.metrics=()", "--config.devices=1"),
        *("--config.eval.every=0", "--config.sample.every=0", "--config.eval.best="),
        *("--config.model.encoder.network.hidden=(8,)", "--config.sample.plots=()"),
    ]
    run = f"--workdir={tmp_path / 'run'}"
    assert main(["launch.py", f"--config={path}", run, *small]) == 0
    out = tmp_path / "threes.npz"
    ask = ["launch.py", "sample", run, f"--out={out}", "--num=2"]
    assert main([*ask, "--label=3"]) == 0
    assert np.load(out)["samples"].shape == (2, 8, 8, 1)
    capsys.readouterr()
    assert main([*ask, "--label=ten"]) == 2
    assert "label='ten': 'digits' has 10 classes" in capsys.readouterr().err
