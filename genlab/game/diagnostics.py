"""What a step of an adversarial game says of its health, beside its losses."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from genlab.game import parallel

Array = jax.Array

COLLAPSED = 0.2  # spread below which generated examples are near to being one


def verdicts(real_logits: Array, fake_logits: Array) -> dict[str, Array]:
    """How well a discriminator tells the two apart, whatever the objective makes of its logits.

    Args:
      real_logits: [N], of real examples.
      fake_logits: [N], of generated ones.

    Returns:
      `accuracy`, whether of a pair the real one has the higher logit, a tie counting a half, [N]: its
      mean is 1/2 where the discriminator cannot tell them apart, and the area under its ROC curve in
      general; and `logit_gap`, the difference of the two, [N].
    """
    gap = jax.lax.stop_gradient(real_logits - fake_logits).astype(jnp.float32)
    return {"accuracy": 0.5 * (1 + jnp.sign(gap)), "logit_gap": gap}


def spread(real: Array, fake: Array) -> dict[str, Array]:
    """Standard deviation of generated examples about their mean, as a share of that of real ones.

    Near 0 the generator makes one example whatever its latent. A generator that lost some modes and
    kept others that lie far apart may have a spread of 1; `mode_coverage` and `class_coverage` look
    for those.

    Args:
      real: [B, ...].
      fake: [B, ...].

    Returns:
      `spread`, [], over the whole batch.
    """
    ours, theirs = (_variance(jax.lax.stop_gradient(x)) for x in (fake, real))
    share = jnp.sqrt(ours / jnp.maximum(theirs, jnp.finfo(jnp.float32).tiny))
    return {"spread": jnp.where(theirs > 0, share, 1.0)}


def alarms(means: Mapping[str, float], generator: str = "generator") -> tuple[str, ...]:
    """What is wrong with a game by the last line of its log, in words; empty where nothing is.

    Args:
      means: the line's values, by player and name.
      generator: the player whose examples are looked at.
    """
    found = means.get(f"{generator}/spread")
    if found is None or found >= COLLAPSED:
        return ()
    told = (
        f"the generator has collapsed: {generator}/spread={found:.2g}, its examples differ by less"
        f" than {COLLAPSED:g} of what real ones do; a penalty (r1), a lower learning rate of the"
        " discriminator or 'packed' around it may help"
    )
    return (told,)


def _variance(x: Array) -> Array:
    """The variance of `x: [B, ...]` over the whole batch, summed over all else: []."""
    x = x.astype(jnp.float32)
    mean = parallel.mean_over_devices(jnp.mean(x, axis=0))
    return parallel.mean_over_devices(jnp.mean(jnp.square(x - mean[None]))) * mean.size
