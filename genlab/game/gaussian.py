"""Gaussians and their mixtures over codes: draws that a gradient flows through, and log densities."""

import math

import flax.struct
import jax
import jax.numpy as jnp

from genlab.game import rng

Array = jax.Array

LOG_2PI = math.log(2 * math.pi)


@flax.struct.dataclass
class Gaussian:
    """N(m, U diag(e^v) U^T), one for each of N rows; without U, independent dimensions.

    Attributes:
      mean: [N, Z], m.
      log_variance: [N, Z], v; with U the variances given the dimensions before.
      factor: [N, Z, Z], U, lower triangular with ones on its diagonal; or None.

    Paper: with U: Kingma & Welling 2014, arXiv:1312.6114, section 2.4; Kingma et al. 2016,
      arXiv:1606.04934, appendix A
    """

    mean: Array
    log_variance: Array
    factor: Array | None = None

    def draw(self, key: Array, samples: int = 1) -> tuple[Array, Array]:
        """z = m + U e^(v/2) epsilon and its log density: [N samples, Z] and [N samples], those of a
        row one after another."""
        many = repeated(self, samples)
        shape = (self.mean.shape[0], samples, self.mean.shape[1])
        noise = rng.normal(key, shape).reshape(many.mean.shape)
        z = many.mean + _times(many.factor, jnp.exp(0.5 * many.log_variance) * noise)
        return z, _standard(noise) - 0.5 * jnp.sum(many.log_variance, axis=1)

    def log_prob(self, z: Array) -> Array:
        """Of `z: [N, Z]`, each under the Gaussian of its row: [N], nats."""
        gap = z - self.mean
        if self.factor is not None:
            gap = jax.scipy.linalg.solve_triangular(
                self.factor, gap[..., None], lower=True, unit_diagonal=True
            )[..., 0]
        gap = gap * jnp.exp(-0.5 * self.log_variance)
        return _standard(gap) - 0.5 * jnp.sum(self.log_variance, axis=1)

    def marginal_log_variance(self) -> Array:
        """Logarithms of the variances of the dimensions by themselves: [N, Z]."""
        if self.factor is None:
            return self.log_variance
        spread = jnp.square(self.factor) * jnp.exp(self.log_variance)[:, None]
        return jnp.log(jnp.sum(spread, axis=2))

    def each_log_prob(self, z: Array) -> Array:
        """Of `z: [M, Z]` under every Gaussian: [M, N], nats."""
        rows = len(self.mean)
        return jax.lax.map(lambda one: self.log_prob(_on_rows(one, rows)), z)


@flax.struct.dataclass
class Mixture:
    """sum_k w_k N_k, a prior over codes.

    Attributes:
      log_weights: [K], of a distribution.
      parts: the K Gaussians.
    """

    log_weights: Array
    parts: Gaussian

    def draw(self, key: Array, num: int) -> Array:
        """`num` codes, [num, Z]."""
        keys = rng.examples(rng.fold(key, "part"), num)
        choose = lambda key: jax.random.categorical(key, self.log_weights)
        chosen = jax.tree.map(lambda leaf: leaf[jax.vmap(choose)(keys)], self.parts)
        return chosen.draw(key)[0]

    def log_joint(self, z: Array) -> Array:
        """log w_k N_k(z) of `z: [N, Z]`: [N, K], nats."""
        of_parts = jax.vmap(_of_part, in_axes=(0, None), out_axes=1)(self.parts, z)
        return of_parts + self.log_weights[None]

    def log_prob(self, z: Array) -> Array:
        """Of `z: [N, Z]`: [N], nats."""
        return jax.nn.logsumexp(self.log_joint(z), axis=1)


def standard_normal_log_prob(z: Array) -> Array:
    """log N(z; 0, I) of `z: [N, Z]`: [N], nats."""
    return _standard(z)


def reparameterize(
    key: Array, mean: Array, log_variance: Array, samples: int = 1
) -> Array:
    """z = mean + exp(log_variance / 2) * epsilon, epsilon ~ N(0, I): `[B, Z]` of `[B, Z]` each, or
    `[B * samples, Z]`, those of an example one after another."""
    return Gaussian(mean, log_variance).draw(key, samples)[0]


def product(one: Gaussian, other: Gaussian) -> Gaussian:
    """The Gaussian that the product of two densities is, up to a constant: precisions add up, and means
    are weighted by them. Of independent dimensions."""
    log_variance = -jnp.logaddexp(-one.log_variance, -other.log_variance)
    share = jnp.exp(log_variance - one.log_variance)
    return Gaussian(share * one.mean + (1 - share) * other.mean, log_variance)


def repeated(tree, samples: int):
    """Each row `samples` times: leaves [B * samples, ...] of `[B, ...]`."""

    def spread(leaf: Array) -> Array:
        shape = (leaf.shape[0], samples, *leaf.shape[1:])
        return jnp.broadcast_to(leaf[:, None], shape).reshape(-1, *leaf.shape[1:])

    return jax.tree.map(spread, tree)


def _on_rows(tree, rows: int):
    """The same on each of so many rows: leaves [rows, ...] of `[...]`."""
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (rows, *x.shape)), tree)


def _of_part(part: Gaussian, z: Array) -> Array:
    """log density of `z: [N, Z]` under one Gaussian, leaves [Z] and [Z, Z]: [N]."""
    gap = z - part.mean[None]
    if part.factor is not None:
        # One solve with N right-hand sides.
        gap = jax.scipy.linalg.solve_triangular(
            part.factor, gap.T, lower=True, unit_diagonal=True
        ).T
    gap = gap * jnp.exp(-0.5 * part.log_variance)[None]
    return _standard(gap) - 0.5 * jnp.sum(part.log_variance)


def _standard(z: Array) -> Array:
    return -0.5 * (jnp.sum(jnp.square(z), axis=-1) + z.shape[-1] * LOG_2PI)


def _times(factor: Array | None, values: Array) -> Array:
    """U `values: [N, Z]`; without U, the values."""
    if factor is None:
        return values
    return jnp.einsum("nij,nj->ni", factor, values)
