"""Features of classes that nobody has seen, from a small conditional VAE of features and attributes."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from genlab.game import rng
from genlab.game.gaussian import reparameterize
from genlab.objectives.divergence import gaussian_kl

Array = jax.Array

HIDDEN, LATENT, BATCH, RATE = 128, 16, 128, 1e-3


class _Layers(nn.Module):
    """One hidden layer of rectified units."""

    outputs: int

    @nn.compact
    def __call__(self, x: Array, attributes: Array) -> Array:
        y = jnp.concatenate([x, attributes], axis=1)
        return nn.Dense(self.outputs)(nn.relu(nn.Dense(HIDDEN)(y)))


def generated(
    features: np.ndarray,
    attributes: np.ndarray,
    asked: np.ndarray,
    *,
    seed: int,
    steps: int,
) -> np.ndarray:
    """Features of classes by their attributes, drawn from a VAE p(x | z, a) fitted to those of others.

    It maximises the bound of 1/2 ||x - g(z, a)||^2 and KL(q(z | x, a) || N(0, I)) with Adam; what is
    drawn is the mean g(z, a).

    Args:
      features: [N, F], about standardised.
      attributes: [N, A], of each example's class.
      asked: [M, A], of each example that is drawn.
      seed: of weights and draws.
      steps: of Adam, on batches of 128.

    Returns:
      [M, F] float32.

    Paper: Mishra et al. 2018, arXiv:1709.00663
    """
    x, a = jnp.asarray(features, jnp.float32), jnp.asarray(attributes, jnp.float32)
    encoder, decoder = _Layers(2 * LATENT), _Layers(x.shape[1])
    key, blank = jax.random.key(seed), jnp.zeros((1, LATENT))
    params = {
        "encoder": encoder.init(rng.fold(key, "encoder"), x[:1], a[:1]),
        "decoder": decoder.init(rng.fold(key, "decoder"), blank, a[:1]),
    }
    optimizer = optax.adam(RATE)

    def loss(params, batch, noise):
        x, a = batch
        mean, log_variance = jnp.split(encoder.apply(params["encoder"], x, a), 2, 1)
        z = reparameterize(noise, mean, log_variance)
        gap = x - decoder.apply(params["decoder"], z, a)
        distance = 0.5 * jnp.sum(jnp.square(gap), axis=1)
        return jnp.mean(distance + gaussian_kl(mean, log_variance))

    @jax.jit
    def fit(params):
        def step(carry, index):
            params, state = carry
            draw = rng.fold(key, index)
            rows = jax.random.randint(draw, (BATCH,), 0, len(x))
            slope = jax.grad(loss)(params, (x[rows], a[rows]), rng.fold(draw, "z"))
            update, state = optimizer.update(slope, state, params)
            return (optax.apply_updates(params, update), state), None

        first = params, optimizer.init(params)
        return jax.lax.scan(step, first, jnp.arange(steps))[0][0]

    fitted = fit(params)
    z = rng.normal(rng.fold(key, "drawn"), (len(asked), LATENT))
    drawn = decoder.apply(fitted["decoder"], z, jnp.asarray(asked, jnp.float32))
    return np.asarray(drawn)
