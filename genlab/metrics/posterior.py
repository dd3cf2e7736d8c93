"""How a VAE uses its latent: what its posterior says of an example, and how far it is from the prior."""

import jax
import jax.numpy as jnp
import numpy as np

from genlab.game import rng
from genlab.metrics.measurement import Measurement
from genlab.metrics.representation import CHUNK
from genlab.numbers import Count, NonNegative
from genlab.objectives.divergence import gaussian_kl_per_dimension
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

Array = jax.Array


@metrics.register
@needs("posterior", with_label=True)
def posterior(
    trained: Trained, split: str, *, num: Count = 2000, active: NonNegative = 0.01
) -> Measurement:
    """Health of q(z|x): its KL by dimension, active units, mutual information, aggregate gap.

    With the aggregate posterior q(z), the mean of q(z|x) over the examples, the KL of the bound is
    E KL(q(z|x) || p(z)) = I(x; z) + KL(q(z) || p(z)). Both are by one draw of z for each example. Of N
    examples, which is all that q(z) is made of, z can tell log N nats and no more: a sharp posterior
    comes close to that, and the gap then has the rest of the KL.

    Args:
      trained: the model.
      split: of the examples.
      num: examples, evenly spread over the split.
      active: a unit is active whose posterior mean has at least this variance over the examples.

    Returns:
      `kl`, `mutual_information`, `aggregate_gap` (KL(q(z) || p(z))) in nats, `active_units`, and the
      KL of each latent, `kl_0`, `kl_1`, ..., in nats.

    Raises:
      InputError: a model without an approximate posterior, or counts below 1.

    Papers: active units: Burda et al. 2016, arXiv:1509.00519; the two parts of the KL: Hoffman &
      Johnson 2016, ELBO surgery
    """
    seen = trained.seen_by("posterior", trained.examples(split, num))
    count = len(seen[0])
    parts = [
        trained.call("posterior", *(leaf[start : start + CHUNK] for leaf in seen))
        for start in range(0, count, CHUNK)
    ]
    mean, log_variance = (np.concatenate(leaf) for leaf in zip(*parts, strict=True))
    z_key = rng.stream(trained.seed, "posterior")
    health = jax.device_get(_health(mean, log_variance, z_key, active))
    names = ("kl", "mutual_information", "aggregate_gap", "active_units")
    values = {name: float(health[name]) for name in names}
    for index, value in enumerate(health["per_dimension"]):
        values[f"kl_{index}"] = float(value)
    return Measurement(
        values,
        {
            "split": split,
            "examples": count,
            "active_above": active,
            "mutual_information_at_most": float(np.log(count)),
        },
    )


@jax.jit
def _health(mean: Array, log_variance: Array, key: Array, active: float):
    """The values of `posterior` for N posteriors `mean, log_variance: [N, Z]`."""
    noise = rng.normal(key, mean.shape)
    z = mean + jnp.exp(0.5 * log_variance) * noise
    # Up to the constant of Z log(2 pi) / 2, which all of them have.
    own = -0.5 * jnp.sum(jnp.square(noise) + log_variance, axis=1)
    prior = -0.5 * jnp.sum(jnp.square(z), axis=1)

    def aggregate(z):  # log q(z) of one z: []
        gaps = jnp.square(z[None] - mean) * jnp.exp(-log_variance) + log_variance
        return jax.nn.logsumexp(-0.5 * jnp.sum(gaps, axis=1)) - jnp.log(len(mean))

    mixed = jax.lax.map(aggregate, z)
    per_dimension = jnp.mean(gaussian_kl_per_dimension(mean, log_variance), axis=0)
    return {
        "kl": jnp.sum(per_dimension),
        "mutual_information": jnp.mean(own - mixed),
        "aggregate_gap": jnp.mean(mixed - prior),
        "active_units": jnp.sum(jnp.var(mean, axis=0) > active),
        "per_dimension": per_dimension,
    }
