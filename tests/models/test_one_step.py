"""A diffusion's network as a generator of one step, and its distillation by an adversary."""

import flax.linen as nn
import jax
import numpy as np
import pytest
import recipes

from genlab.config import load as configs
from genlab.errors import InputError
from genlab.models.one_step import OneStep
from genlab.training.train import train


class Told(nn.Module):
    """Three times the time."""

    example_shape: tuple = (2, 1, 1)

    @nn.compact
    def __call__(self, x, time, *, train: bool = False):
        return 0 * x + 3 * time.reshape(-1, 1, 1, 1)


def test_it_is_the_example_that_the_prediction_at_time_one_means():
    """x_1 - v on the straight path; (x_1 - sigma F) / alpha of the noise, at alpha(1) = exp(-(0.1 + 20) / 4)."""
    z = jax.random.normal(jax.random.key(0), (5, 2))
    found = OneStep(Told(), latent_dim=2).apply({}, z)
    np.testing.assert_allclose(found, z.reshape(5, 2, 1, 1) - 3, rtol=1e-5)
    network = OneStep(Told(), latent_dim=2, path="variance_preserving", target="noise")
    alpha = np.exp(-20.1 / 4)
    sigma = np.sqrt(1 - alpha**2)
    expected = (sigma * z.reshape(5, 2, 1, 1) - sigma * 3) / alpha
    np.testing.assert_allclose(network.apply({}, z), expected, rtol=1e-3)
    with pytest.raises(InputError, match="latent_dim=2, not 3"):
        OneStep(Told(), latent_dim=3).apply({}, z)
    with pytest.raises(InputError, match="target='noise' says nothing of an example"):
        OneStep(Told(), latent_dim=2, target="noise").apply({}, z)


@pytest.mark.full
def test_distillation_starts_from_its_teacher(tmp_path):
    config = configs.plain(configs.load(str(recipes.CONFIGS / "one_step.py:distilled")))
    small = dict(name="time_mlp", hidden=[16], width=8)
    (teacher,) = config["stages"]
    teacher["model"]["denoiser"] = small
    teacher["train"] = dict(steps=4, batch_size=8, steps_per_call=4)
    config["model"]["generator"]["network"] = small
    config["model"]["discriminator"] = dict(name="mlp_discriminator", hidden=[8])
    config["optimizer"]["generator"] |= dict(learning_rate=1e-9, ema=None)
    config["train"] = dict(steps=4, batch_size=8, steps_per_call=4)
    config["eval"] |= {"final_metrics": [], "every": 4}
    config["sample"] |= {"every": 4}
    config["checkpoint"] |= {"every": 4}
    config["log"] |= {"every": 4}
    state = train(config, tmp_path, {})
    taught = recipes.Recipe.build(config).first_state(0)
    kernel = lambda params: params["generator"]["generator"]["network"]["head"][
        "kernel"
    ]
    assert not np.any(kernel(taught.params))  # fresh, the last layer is 0
    assert np.abs(kernel(state.params)).max() > 1e-4
