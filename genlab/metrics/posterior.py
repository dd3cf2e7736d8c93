"""How a VAE uses its latent: what its posterior says of an example, and how far it is from the prior."""

import jax
import jax.numpy as jnp
import numpy as np

from genlab.game import rng
from genlab.game.gaussian import Gaussian, Mixture, standard_normal_log_prob
from genlab.metrics.measurement import Measurement
from genlab.numbers import Count, NonNegative
from genlab.objectives.divergence import full_gaussian_kl, gaussian_kl_per_dimension
from genlab.registry import metrics
from genlab.trained.encoding import CHUNK
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
      KL of each latent's own distribution to a standard normal, `kl_0`, `kl_1`, ..., in nats; they sum to
      `kl` where q has independent dimensions and p(z) is standard normal.

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
    gaussian = Gaussian(*(np.concatenate(leaf) for leaf in zip(*parts, strict=True)))
    z_key = rng.stream(trained.seed, "posterior")
    compiled = trained.compile(f"health of {count}", _health_of)
    health = jax.device_get(
        compiled(trained.params, trained.extra, gaussian, z_key, np.float32(active))
    )
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


def _health_of(experiment, params, extra, gaussian: Gaussian, key: Array, active):
    """As `health`, under the family's prior."""
    learned = getattr(experiment, "learned_prior", lambda *_: None)(params, extra)
    return health(gaussian, key, active, learned)


def health(
    gaussian: Gaussian, key: Array, active: float, prior: Mixture | None = None
) -> dict[str, Array]:
    """The values of `posterior` for N posteriors; `prior` is the standard normal without one.

    The KL of a dimension is that of its marginal to a standard normal, whatever the prior is.
    """
    mean = gaussian.mean
    z, own = gaussian.draw(key)
    of_prior = standard_normal_log_prob(z) if prior is None else prior.log_prob(z)
    mixed = jax.nn.logsumexp(gaussian.each_log_prob(z), axis=1) - jnp.log(len(mean))
    per_dimension = jnp.mean(
        gaussian_kl_per_dimension(mean, gaussian.marginal_log_variance()), axis=0
    )
    if prior is not None:
        kl = jnp.mean(own - of_prior)
    elif gaussian.factor is None:
        kl = jnp.sum(per_dimension)
    else:
        parameters = mean, gaussian.log_variance, gaussian.factor
        kl = jnp.mean(full_gaussian_kl(*parameters))
    return {
        "kl": kl,
        "mutual_information": jnp.mean(own - mixed),
        "aggregate_gap": jnp.mean(mixed - of_prior),
        "active_units": jnp.sum(jnp.var(mean, axis=0) > active),
        "per_dimension": per_dimension,
    }
