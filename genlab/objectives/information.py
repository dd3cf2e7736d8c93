"""Lower bounds of mutual information I(X; Y) by the scores T(x, y) of a critic, as what it minimises.

All pairs of a batch are scored: those of one example are draws of p(x, y), those of two examples draws of
p(x) p(y). Each bound goes over the pairs of all devices.
"""

import chex
import jax
import jax.numpy as jnp
import optax

from genlab.game import parallel
from genlab.registry import objectives

Array = jax.Array


def scores_of_places(whole: Array, local: Array) -> Array:
    """T(x_i, y_j) = phi(l_j) . psi(x_i) of all pairs, for each place of an image alone.

    Args:
      whole: [B, E], psi of what tells of the images.
      local: [B, L, E], phi of the features of each place.

    Returns:
      [L, B, B], rows of this device's examples, columns of all.

    Paper: Hjelm et al. 2019, arXiv:1808.06670, encode-and-dot-product of appendix A
    """
    every = parallel.gather_batch(local)
    return jnp.einsum("be,nle->lbn", whole, every)


@objectives.register
def info_nce(scores: Array) -> Array:
    """InfoNCE: y_i is to be told from all y of the batch, -log exp(T_ii) / sum_j exp(T_ij).

    log N less its mean is a lower bound of the mutual information, which never exceeds log N for a batch of
    N; the optimal T is log p(y|x), up to a function of x.

    Args:
      scores: [B, B], T(x_i, y_j): rows of this device's examples, columns of all.

    Returns:
      [B] nats, 0 or more.

    Papers: van den Oord et al. 2018, arXiv:1807.03748; Hjelm et al. 2019, arXiv:1808.06670, equation 5
    """
    own = _own_columns(scores)
    return optax.softmax_cross_entropy_with_integer_labels(scores, own)


@objectives.register
def donsker_varadhan(scores: Array) -> Array:
    """Donsker-Varadhan, as MINE has it: -E_p(x,y) T + log E_p(x)p(y) exp T.

    Less its mean is a lower bound of the mutual information, met by T = log p(x, y) / (p(x) p(y)) + c.

    Args:
      scores: [B, B], T(x_i, y_j): rows of this device's examples, columns of all.

    Returns:
      [B] nats.

    Papers: Belghazi et al. 2018, arXiv:1801.04062; Hjelm et al. 2019, arXiv:1808.06670, equation 2
    """
    apart = _apart(scores)
    every = parallel.gather_batch(jnp.where(apart, scores, -jnp.inf))
    count = every.shape[0] * (every.shape[0] - 1)
    return jax.nn.logsumexp(every) - jnp.log(count) - _joint(scores)


@objectives.register
def jensen_shannon(scores: Array) -> Array:
    """Jensen-Shannon: sp(-T_ii) + mean_{j != i} sp(T_ij), sp the softplus.

    A classifier of pairs of one example against pairs of two. At the optimal T, log p(x, y) / (p(x) p(y)), its
    mean is 2 log 2 less twice the Jensen-Shannon divergence of p(x, y) and p(x) p(y), which grows with the mutual
    information and is steadier than the other two.

    Args:
      scores: [B, B], T(x_i, y_j): rows of this device's examples, columns of all.

    Returns:
      [B] nats, above 0.

    Papers: Nowozin et al. 2016, arXiv:1606.00709; Hjelm et al. 2019, arXiv:1808.06670, equation 4
    """
    apart = _apart(scores)
    told = jnp.where(apart, jax.nn.softplus(scores), 0.0)
    others = jnp.sum(told, axis=1) / (scores.shape[1] - 1)
    return jax.nn.softplus(-_joint(scores)) + others


def _own_columns(scores: Array) -> Array:
    """The column of each row's own example: [B] int32."""
    chex.assert_rank(scores, 2)
    parallel.need_several(scores.shape[1], "a bound of mutual information")
    return parallel.example_indices(scores.shape[0])


def _joint(scores: Array) -> Array:
    own = _own_columns(scores)[:, None]
    return jnp.take_along_axis(scores, own, axis=1)[:, 0]


def _apart(scores: Array) -> Array:
    """Whether a pair is of two examples: [B, B] bool."""
    return _own_columns(scores)[:, None] != jnp.arange(scores.shape[1])[None]
