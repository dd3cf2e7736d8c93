"""How fast features of generated images change along a path between latents."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError
from genlab.features.features import Features
from genlab.game import rng
from genlab.game.experiment import Experiment
from genlab.game.prior import check_prior
from genlab.metrics import sample_features
from genlab.metrics.measurement import Measurement, known
from genlab.metrics.sample_features import Choice
from genlab.metrics.seen import CHUNK, identity
from genlab.numbers import Count, Seed
from genlab.registry import metrics
from genlab.statistics import about, trimmed_mean
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

Array = jax.Array

ENDS = (0.01, 0.99)  # quantiles beyond which paths are left out, as in the paper


@metrics.register
@needs("images", "sample")
def path_length(
    trained: Trained,
    split: str,
    *,
    features: Choice = "random",
    num: Count = 1000,
    seed: Seed = 0,
) -> Measurement:
    """E ||d/dt phi(G(slerp(z, z', t)))||^2 at t ~ U(0, 1); PPL in the features of LPIPS.

    The derivative is exact, which the paper takes as a difference over 1e-4. Lengths outside the
    quantiles ENDS are left out.

    Args:
      trained: a model with `decode` at latents from N(0, I).
      split: plays no part.
      features: as of `frechet`.
      num: paths.
      seed: of the latents.

    Returns:
      `path_length_FEATURES`, 0 or more, in the squared unit of the features; the interval is that of a
      trimmed mean.

    Raises:
      InputError: a model without such latents, features that round pixels.

    Paper: Karras, Laine & Aila 2019, arXiv:1812.04948, section 4.1
    """
    del split
    network = _check(trained.experiment, trained.data, features=features, num=num)
    key = rng.fold(trained.sample_key(seed), "path")
    low, high = trained.value_range
    compiled = trained.compile(
        f"path length {identity(network)}",
        lambda experiment, params, extra, key: _lengths(
            experiment, (params, extra), network, (low, high), key
        ),
    )
    lengths = [
        jax.device_get(compiled(trained.params, trained.extra, rng.fold(key, chunk)))
        for chunk in range(-(-num // CHUNK))
    ]
    found = trimmed_mean(np.concatenate(lengths)[:num], ENDS)
    name = f"path_length_{network.name}"
    protocol = {
        **sample_features.protocol_of(trained, network, num, seed),
        "paths": f"{found[-1]} of {num}, between the quantiles {ENDS[0]} and {ENDS[1]}",
        "derivative": "exact",
    }
    return Measurement({name: found[0]}, protocol, known({name: about(*found)}))


def _lengths(
    experiment: Experiment,
    variables: tuple[Any, Any],
    network: Features,
    value_range: tuple[float, float],
    key: Array,
) -> Array:
    """Squared speed of the features at CHUNK points of as many paths, [CHUNK]."""
    ends = [experiment.latents(rng.fold(key, end), CHUNK) for end in ("start", "end")]
    label, (low, high) = [], value_range
    if experiment.networks[experiment.DECODER].takes_label:
        label = [rng.classes(key, CHUNK, experiment.num_classes)]

    def seen(t: Array) -> Array:
        images = experiment.decode(*variables, slerp(*ends, t), *label)
        return network((images - low) / (high - low))[0]

    t = rng.uniform(rng.fold(key, "t"), (CHUNK,), 0.0, 1.0)
    _, speed = jax.jvp(seen, (t,), (jnp.ones_like(t),))
    return jnp.sum(jnp.square(speed), axis=1)


def slerp(start: Array, end: Array, t: Array) -> Array:
    """The points at shares `t: [B]` of the great circles from `start` to `end`, `[B, Z]`, whose lengths
    go linearly from one to the other."""
    lengths = [jnp.linalg.norm(each, axis=1, keepdims=True) for each in (start, end)]
    one, other = start / lengths[0], end / lengths[1]
    angle = jnp.arccos(jnp.clip(jnp.sum(one * other, axis=1, keepdims=True), -1, 1))
    t = t[:, None]
    along = (jnp.sin((1 - t) * angle) * one + jnp.sin(t * angle) * other) / jnp.sin(
        angle
    )
    return along * ((1 - t) * lengths[0] + t * lengths[1])


def _check(
    experiment: Any, data: Dataset, *, features: Choice, num: int, **knobs: Any
) -> Features:
    check_prior(experiment, "a path between latents")
    if (width := experiment.latent_dim + experiment.codes.width) < 2:
        raise InputError(
            f"path_length goes along a great circle, and latents of {width} dimension have none; take 2 or more"
        )
    network = sample_features.check(
        experiment, data, features=features, num=max(num, 2)
    )
    if network.input.rounded:
        raise InputError(
            f"features {network.name!r} round pixels to 8 bits and have no derivative; take"
            " others"
        )
    return network


path_length.check = _check
