"""What an autoencoder pays for its code, or its decoder at it, beside the reconstruction.

Each function takes the `encoding`, a `key` where it draws, the `decoder`'s parameters, and knobs, and returns its weighted term,
[B] or [] where it is of the batch. f is the encoder, J(x) = df/dx [K, D] its Jacobian.
"""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.game import rng
from genlab.geometry.jacobian import at_one_example
from genlab.numbers import Count, NonNegative, Range
from genlab.registry import objectives

Array = jax.Array

ESTIMATORS = ("analytic", "exact", "hutchinson")


class Encoding(NamedTuple):
    """An encoder at a batch.

    Attributes:
      encode: f, [B, ...] to [B, K], differentiable; it looks at each example alone.
      x: [B, ...], clean.
      code: f(x), [B, K].
      mean: [K], mean activations: of the batch, or running ones.
      slopes: for an encoder of one dense layer, x -> (act'(a), ||W_j||^2): [B, K] and [K], with which
        the Jacobian is diag(act'(a)) W; None for every other encoder.
    """

    encode: Callable[[Array], Array]
    x: Array
    code: Array
    mean: Array
    slopes: Callable[[Array], tuple[Array, Array]] | None = None


@objectives.register
def l1_sparsity(encoding: Encoding, *, weight: NonNegative = 1e-3) -> Array:
    """w sum_j |h_j|: [B]. Without a decoder of unit norm the code shrinks and the decoder grows.

    Args:
      encoding: any codes.
      weight: w, 0 or more.

    Paper: Ranzato et al. 2008, NIPS 20; Olshausen & Field 1996, Nature 381:607-609
    """
    return weight * jnp.sum(jnp.abs(encoding.code), axis=-1)


@objectives.register
def rae(
    encoding: Encoding,
    decoder: Any,
    *,
    weight: NonNegative = 1e-2,
    decoder_weight: NonNegative = 1e-4,
) -> Array:
    """w/2 |z|^2 + v |theta|^2, theta the decoder's parameters: [B].

    With them the reconstruction is that of a regularised autoencoder, a VAE without noise, whose codes
    an ex-post density samples.

    Args:
      encoding: any codes z.
      decoder: pytree of the decoder's parameters.
      weight: w, 0 or more.
      decoder_weight: v, 0 or more.

    Paper: Ghosh et al. 2020, arXiv:1903.12436, RAE-L2
    """
    codes = 0.5 * weight * jnp.sum(jnp.square(encoding.code), axis=-1)
    squares = [jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(decoder)]
    return codes + decoder_weight * sum(squares)


@objectives.register
def kl_sparsity(
    encoding: Encoding,
    *,
    weight: NonNegative = 3.0,
    target: Annotated[float, Range(0, 1, "()")] = 0.05,
) -> Array:
    """w sum_j KL(rho || rho_j), rho_j the mean activation of sigmoid unit j: [], nats.

    KL = rho ln(rho / rho_j) + (1 - rho) ln((1 - rho) / (1 - rho_j)), rho_j clipped to
    [1e-6, 1 - 1e-6].

    Args:
      encoding: codes in (0, 1), of sigmoid units.
      weight: w, 0 or more.
      target: rho, in (0, 1).

    Paper: Ng 2011, CS294A lecture notes; Lee, Ekanadham & Ng 2008, NIPS 20
    """
    mean = jnp.clip(encoding.mean, 1e-6, 1 - 1e-6)
    active = target * (jnp.log(target) - jnp.log(mean))
    silent = (1 - target) * (jnp.log1p(-target) - jnp.log1p(-mean))
    return weight * jnp.sum(active + silent)


kl_sparsity.needs_unit_codes = True


@objectives.register
def contractive(
    encoding: Encoding,
    key: Array,
    *,
    weight: NonNegative = 0.1,
    estimator: str = "analytic",
    probes: Count = 1,
) -> Array:
    """w ||J(x)||_F^2: [B].

    Args:
      encoding: of any encoder; `analytic` is for one dense sigmoid or tanh layer.
      key: of the probes.
      weight: w, 0 or more.
      estimator: `analytic`, sum_j act'(a_j)^2 sum_i W_ji^2; `exact`, by automatic
        differentiation; `hutchinson`, the mean of ||J^T v||^2 over Rademacher probes v.
      probes: of hutchinson.

    Raises:
      InputError: an unknown estimator, or `analytic` on another encoder.

    Paper: Rifai et al. 2011, ICML; Hutchinson 1990, Commun. Stat. 19:433-450
    """
    _check_estimator("contractive", estimator, encoding)
    if estimator == "analytic":
        slopes, norms = encoding.slopes(encoding.x)
        return weight * (jnp.square(slopes) @ norms)
    if estimator == "exact":
        return weight * _squared(jacobian(encoding.encode, encoding.x))
    return weight * squared_jacobian_estimate(encoding.encode, encoding.x, key, probes)


@objectives.register
def stochastic_contractive(
    encoding: Encoding, key: Array, *, weight: NonNegative = 1.0, std: NonNegative = 0.1
) -> Array:
    """w ||f(x) - f(x + eps)||^2, eps ~ N(0, std^2 I): [B].

    For small std its expectation is w std^2 ||J(x)||_F^2.

    Args:
      encoding: of any encoder.
      key: of the noise.
      weight: w, 0 or more.
      std: of eps, 0 or more, in the unit of x.

    Paper: the penalty that it estimates: Rifai et al. 2011, ICML
    """
    moved = encoding.encode(encoding.x + std * rng.normal(key, encoding.x.shape))
    return weight * jnp.sum(jnp.square(encoding.code - moved), axis=-1)


@objectives.register
def contractive_hessian(
    encoding: Encoding,
    key: Array,
    *,
    weight: NonNegative = 0.1,
    hessian_weight: NonNegative = 0.1,
    std: NonNegative = 0.1,
    copies: Count = 4,
    estimator: str = "analytic",
) -> Array:
    """CAE+H: w ||J(x)||_F^2 + g E_eps ||J(x) - J(x + eps)||_F^2: [B]; no Hessian is formed.

    Args:
      encoding: as for `contractive`.
      key: of the noise.
      weight: w, 0 or more.
      hessian_weight: g, 0 or more.
      std: of eps ~ N(0, std^2 I).
      copies: draws of eps.
      estimator: `analytic` or `exact`.

    Raises:
      InputError: another estimator, or `analytic` on an encoder of more than one dense layer.

    Paper: Rifai et al. 2011, ECML PKDD, "Higher order contractive auto-encoder"
    """
    if estimator == "hutchinson":
        raise InputError(
            "contractive_hessian.estimator='hutchinson' is not built; take 'analytic' or 'exact'"
        )
    first = contractive(encoding, key, weight=weight, estimator=estimator)

    def gap(copy: Array) -> Array:
        noise = std * rng.normal(rng.fold(key, copy), encoding.x.shape)
        return _squared_change(encoding, encoding.x + noise, estimator)

    gaps = jax.vmap(gap)(jnp.arange(copies))
    return first + hessian_weight * jnp.mean(gaps, axis=0)


@objectives.register
def rae_gradient_penalty(
    code: Array,
    decode: Callable[[Array], Array],
    key: Array,
    *,
    weight: NonNegative = 1e-2,
    decoder_weight: NonNegative = 1e-3,
    probes: Count = 1,
) -> Array:
    """w/2 ||z||^2 + u/2 ||dg/dz||_F^2 of a decoder g at codes z, the second by Rademacher probes: [B].

    Codes that stay near the origin and a decoder that is smooth there let a density that is fitted to
    the codes afterwards draw examples. With a decoder inside the model `spectral` and u = 0 it is RAE-SN.

    Args:
      code: [B, Z], z.
      decode: callable, latents [B, Z] to outputs [B, ...].
      key: of the probes.
      weight: w, 0 or more.
      decoder_weight: u, 0 or more.
      probes: how many.

    Paper: Ghosh et al. 2020, arXiv:1903.12436, section 4.1 (RAE-GP)
    """
    slope = squared_jacobian_estimate(decode, code, key, probes)
    squares = jnp.sum(jnp.square(code), axis=-1)
    return 0.5 * (weight * squares + decoder_weight * slope)


def jacobian(encode: Callable[[Array], Array], x: Array) -> Array:
    """J at every example, all side by side: [B, K, D] of `x: [B, ...]`."""
    return jax.vmap(at_one_example(encode, x))(x)


def squared_jacobian_estimate(
    function: Callable[[Array], Array], x: Array, key: Array, probes: Count
) -> Array:
    """Mean over Rademacher probes v of ||J^T v||^2, whose expectation is ||J||_F^2: [B].

    Args:
      function: of examples, each by itself.
      x: [B, ...].
      key: of the probes.
      probes: how many.
    """
    made, pull_back = jax.vjp(function, x)

    def one(probe: Array) -> Array:
        signs = rng.bernoulli(rng.fold(key, probe), 0.5, made.shape)
        (pulled,) = pull_back(jnp.where(signs, 1.0, -1.0).astype(made.dtype))
        return _squared(pulled)

    return jnp.mean(jax.vmap(one)(jnp.arange(probes)), axis=0)


def _squared_change(encoding: Encoding, moved: Array, estimator: str) -> Array:
    """||J(x) - J(moved)||_F^2: [B]."""
    if estimator == "exact":
        here = jacobian(encoding.encode, encoding.x)
        return _squared(here - jacobian(encoding.encode, moved))
    (here, norms), (there, _) = encoding.slopes(encoding.x), encoding.slopes(moved)
    return jnp.square(here - there) @ norms


def _squared(values: Array) -> Array:
    return jnp.sum(jnp.square(values), axis=tuple(range(1, values.ndim)))


def _check_estimator(name: str, estimator: str, encoding: Encoding) -> None:
    if estimator not in ESTIMATORS:
        raise InputError(
            f"{name}.estimator={estimator!r} is unknown{suggest(estimator, ESTIMATORS)}"
        )
    if estimator == "analytic" and encoding.slopes is None:
        raise InputError(
            f"{name}.estimator='analytic' needs an encoder of one dense sigmoid or tanh layer;"
            " take 'exact' or 'hutchinson' for any other"
        )
