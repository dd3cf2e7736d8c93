"""What a discriminator pays for verdicts that move, with time or with changes that mean nothing, and a
generator for examples that do not move with their latents."""

from collections.abc import Callable, Mapping

import chex
import jax
import jax.numpy as jnp

from genlab.game import parallel, rng
from genlab.numbers import Decay, NonNegative, Positive
from genlab.objectives.lazy import lazy
from genlab.registry import corruptions, objectives

Array = jax.Array
Critic = Callable[[Array], Array]

_TINY = 1e-12  # two equal latents pay nothing


@objectives.register
@lazy
def lecam(
    real_logits: Array,
    fake_logits: Array,
    memory: dict[str, Array],
    *,
    weight: NonNegative = 0.3,
    decay: Decay = 0.99,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Distances of the logits from the running means of the other side: w (D(x) - m_fake)^2 and
    w (D(G(z)) - m_real)^2, which keeps the discriminator from memorising few data.

    The running means are those before this move, m <- c m + (1 - c) E[D], and start at 0.

    Args:
      real_logits: [B], D(x) of real examples.
      fake_logits: [B], D(G(z)) of generated examples.
      memory: `real: []` and `fake: []`, the running means.
      weight: w, 0 or more.
      decay: c.

    Returns:
      Two terms, [B] each, and the memory afterwards.

    Paper: Tseng et al. 2021, arXiv:2104.03310
    """
    chex.assert_rank([real_logits, fake_logits], 1)
    terms = {
        "real": weight * jnp.square(real_logits - memory["fake"]),
        "fake": weight * jnp.square(fake_logits - memory["real"]),
    }
    now = {"real": jnp.mean(real_logits), "fake": jnp.mean(fake_logits)}
    now = parallel.mean_over_devices(now)
    return terms, {k: decay * memory[k] + (1 - decay) * now[k] for k in now}


lecam.memory = {"real": 0.0, "fake": 0.0}


@objectives.register
@lazy
def consistency(
    critic: Critic,
    critic_of_fakes: Critic,
    real: Array,
    fake: Array,
    key: Array,
    *,
    weight: NonNegative = 10.0,
    fake_weight: NonNegative = 0.0,
    augment: str | Mapping = "flip_and_shift",
) -> dict[str, Array]:
    """How far a change T that keeps the meaning moves logits: w (D(x) - D(T(x)))^2, CR; with
    fake_weight the same of generated examples, bCR.

    Args:
      critic: callable, examples [B, ...] to logits [B], given the labels of the real examples if any.
      critic_of_fakes: callable, examples [B, ...] to logits [B], given what the fakes were asked to be.
      real: [B, H, W, C], real examples.
      fake: [B, H, W, C], generated examples.
      key: of T.
      weight: w, 0 or more.
      fake_weight: of the generated examples; 10 in bCR.
      augment: T, a registered corruption.

    Returns:
      Two terms, [B] each.

    Papers: CR: Zhang et al. 2020, arXiv:1910.12027; bCR: Zhao et al. 2021, arXiv:2002.04724
    """
    change = corruptions.choose(augment)

    def moved(critic: Critic, x: Array, name: str) -> Array:
        return jnp.square(critic(x) - critic(change(x, key=rng.fold(key, name))))

    return {
        "real": weight * moved(critic, real, "real"),
        "fake": fake_weight * moved(critic_of_fakes, fake, "fake"),
    }


@objectives.register
@lazy
def latent_consistency(
    critic_of_fakes: Critic,
    generator: Callable[[Array], Array],
    latent: Array,
    key: Array,
    *,
    weight: NonNegative = 5.0,
    std: NonNegative = 0.03,
) -> Array:
    """How far a small change of a latent moves the logit of its example, the discriminator's part of zCR:
    w (D(G(z)) - D(G(z + e)))^2, e ~ N(0, s^2 I).

    The generator's part is `latent_diversity`.

    Args:
      critic_of_fakes: callable, examples [B, ...] to logits [B], given what the fakes were asked to be.
      generator: callable, latents [B, Z] to examples [B, ...].
      latent: [B, Z], z.
      key: of e.
      weight: w, 0 or more.
      std: s.

    Returns:
      [B].

    Paper: Zhao et al. 2021, arXiv:2002.04724
    """
    near = latent + std * rng.normal(key, latent.shape)
    logits = [critic_of_fakes(generator(z)) for z in (latent, near)]
    return weight * jnp.square(logits[0] - logits[1])


@objectives.register
@lazy
def latent_diversity(
    generator: Callable[[Array], Array],
    latent: Array,
    key: Array,
    *,
    weight: NonNegative = 0.5,
    std: NonNegative = 0.03,
) -> Array:
    """What a generator is paid for a small change of a latent that changes its example, its part of
    zCR: -w ||G(z) - G(z + e)||^2, e ~ N(0, s^2 I), the square a mean over the values of an example.

    Args:
      generator: callable, latents [B, Z] to examples [B, ...].
      latent: [B, Z], z.
      key: of e.
      weight: w, 0 or more.
      std: s.

    Returns:
      [B], 0 or less.

    Paper: Zhao et al. 2021, arXiv:2002.04724
    """
    near = latent + std * rng.normal(key, latent.shape)
    gap = jnp.square(generator(latent) - generator(near))
    return -weight * jnp.mean(gap, axis=tuple(range(1, gap.ndim)))


latent_diversity.paid_by = "generator"


@objectives.register
@lazy
def mode_seeking(
    generator: Callable[[Array], Array],
    latent: Array,
    *,
    weight: NonNegative = 1.0,
    least: Positive = 1e-5,
) -> Array:
    """What a generator pays for latents that are far apart and make one example: w / (d(G(z), G(z')) / d(z, z')
    + e), z' the latent of the next example of the batch, d the mean absolute difference.

    A conditional generator makes both for the same condition.

    Args:
      generator: callable, latents [B, Z] to examples [B, ...].
      latent: [B, Z], z; of two examples or more over all devices.
      weight: w, 0 or more.
      least: e > 0, of the ratio.

    Returns:
      [B], 0 or more.

    Paper: Mao et al. 2019, arXiv:1903.05628, whose mean over the batch is taken before the ratio
    """
    every = parallel.gather_batch(latent)
    parallel.need_several(every.shape[0], "mode seeking")
    following = (parallel.example_indices(latent.shape[0]) + 1) % every.shape[0]
    other = every[following]
    apart = lambda x, y: jnp.mean(jnp.abs(x - y), axis=tuple(range(1, x.ndim)))
    between, moved = apart(latent, other), apart(generator(latent), generator(other))
    return weight * between / (moved + least * between + _TINY)


mode_seeking.paid_by = "generator"
