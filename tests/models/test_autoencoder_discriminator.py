"""An autoencoder in the place of a discriminator."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.models.autoencoder_discriminator import AutoencoderDiscriminator
from genlab.models.dense import DenseDecoder, DenseEncoder
from genlab.models.mlp import MlpEncoder

X = jnp.array([[[[1.0], [2.0]]], [[[0.0], [-2.0]]]])  # [2, 1, 2, 1]


def test_its_logit_is_minus_the_error_of_what_it_restores():
    decoder = DenseDecoder((1, 2, 1))
    for power in (1, 2):
        module = AutoencoderDiscriminator(DenseEncoder((3,)), decoder, power)
        params = module.init(jax.random.key(0), X)
        code = module.apply(params, X, method="features")
        inner = {"params": params["params"]["decoder"]}
        made = decoder.apply(inner, code)
        expected = -np.mean(np.abs(X - made) ** power, axis=(1, 2, 3))
        np.testing.assert_allclose(module.apply(params, X), expected, rtol=1e-6)


def test_what_restores_nothing_is_refused():
    wrong = AutoencoderDiscriminator(DenseEncoder((3,)), DenseDecoder((5,)))
    with pytest.raises(InputError, match=r"'dense_decoder' makes examples \(5,\)"):
        wrong.init(jax.random.key(0), X)
    wrong = AutoencoderDiscriminator(MlpEncoder(3), DenseDecoder((1, 2, 1)))
    with pytest.raises(InputError, match="'mlp_encoder' makes no code"):
        wrong.init(jax.random.key(0), X)
