"""Distances of two images in the eyes of a trained network."""

from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp

from genlab.features.classifier import load_feature_network
from genlab.features.digits_classifier import digits_network
from genlab.models.vgg import load_vgg19
from genlab.numbers import NonNegative
from genlab.objectives.likelihood import likelihood
from genlab.registry import objectives

Array = jax.Array


@objectives.register
def perceptual(
    outputs: Array, targets: Array, *, run: str, weight: NonNegative = 1.0
) -> Array:
    """Weighted mean over a classifier's convolutions of their mean squared difference.

    w/L sum_l mean (F_l(o) - F_l(t))^2 / mean F_l(t)^2: relative, so that deep and shallow maps count
    alike.

    Args:
      outputs: [B, H, W, C] in [-1, 1], o.
      targets: [B, H, W, C] in [-1, 1], t, the same shape.
      run: folder of a finished run of 'classifier'; its images may have another size and range.
      weight: w, 0 or more.

    Returns:
      [B], without a unit.

    Raises:
      InputError: no such run, or no classifier in it.

    Paper: Johnson et al. 2016, arXiv:1603.08155; Dosovitskiy & Brox 2016, arXiv:1602.02644
    """
    chex.assert_equal_shape([outputs, targets])
    network = load_feature_network(run)
    return weight * _relative(
        network.maps(_unit(outputs)), network.maps(_unit(targets))
    )


@objectives.register
def vgg_perceptual(
    outputs: Array,
    targets: Array,
    *,
    weights: str,
    sha256: str,
    weight: NonNegative = 1.0,
) -> Array:
    """As `perceptual`, through five maps of a VGG-19: relu1_1, 2_1, 3_1, 4_1 and 5_1.

    Nothing is downloaded: the weights are a safetensors file with torchvision's names
    (`features.0.weight`, [F, C, 3, 3], ...), and its checksum is compared.

    Args:
      outputs: [B, H, W, C] in [-1, 1], o; C is 1 or 3.
      targets: [B, H, W, C] in [-1, 1], t, the same shape.
      weights: path of the file.
      sha256: checksum of the file, 64 hexadecimal digits.
      weight: w, 0 or more.

    Returns:
      [B], without a unit.

    Raises:
      InputError: no such file, another checksum, weights that are missing or have other shapes,
        images below 16 pixels.

    Paper: Simonyan & Zisserman 2015, arXiv:1409.1556; Johnson et al. 2016, arXiv:1603.08155
    """
    chex.assert_equal_shape([outputs, targets])
    maps = load_vgg19(weights, sha256)
    return weight * _relative(maps(_unit(outputs)), maps(_unit(targets)))


@objectives.register
@likelihood(mean=jax.nn.sigmoid, support=(0.0, 1.0))
def deep_features(
    outputs: Array,
    targets: Array,
    *,
    run: str | None = None,
    weight: NonNegative = 0.5,
) -> Array:
    """DFC-VAE's reconstruction: half the squared differences of feature maps in the place of pixels.

    w sum_l 1/(2 C_l H_l W_l) ||F_l(x) - F_l(sigmoid(o))||^2. In the place of a likelihood it is the
    energy of one, without a unit: a bound that it is a part of bounds no likelihood, and its weight
    against the KL is to be chosen.

    Args:
      outputs: [B, H, W, C], logits o of images.
      targets: [B, H, W, C] in [0, 1], x, the same shape.
      run: folder of a finished run of 'classifier'; without one, the classifier of digits that comes with
        genlab.
      weight: w, the paper's beta, 0 or more; the objective's `beta` is the paper's alpha.

    Returns:
      [B], without a unit.

    Raises:
      InputError: no such run, or no classifier in it.

    Paper: Hou et al. 2017, arXiv:1610.00291, equation 3
    """
    chex.assert_equal_shape([outputs, targets])
    network = load_feature_network(run) if run else digits_network()
    return weight * _half_squares(network.maps, outputs, targets)


@objectives.register
@likelihood(mean=jax.nn.sigmoid, support=(0.0, 1.0))
def vgg_deep_features(
    outputs: Array,
    targets: Array,
    *,
    weights: str,
    sha256: str,
    weight: NonNegative = 0.5,
) -> Array:
    """As `deep_features`, through relu1_1, 2_1, 3_1, 4_1 and 5_1 of a VGG-19: see `vgg_perceptual`.

    Args:
      outputs: [B, H, W, C], logits o of images, C 1 or 3.
      targets: [B, H, W, C] in [0, 1], x, the same shape.
      weights: path of the file.
      sha256: checksum of the file, 64 hexadecimal digits.
      weight: w, 0 or more.

    Returns:
      [B], without a unit.

    Raises:
      InputError: as `vgg_perceptual`.

    Paper: Hou et al. 2017, arXiv:1610.00291, equation 3
    """
    chex.assert_equal_shape([outputs, targets])
    return weight * _half_squares(load_vgg19(weights, sha256), outputs, targets)


def _half_squares(
    maps: Callable[[Array], list[Array]], outputs: Array, targets: Array
) -> Array:
    """Half the mean squared difference of each map, summed over the maps: [B]."""
    pairs = zip(maps(jax.nn.sigmoid(outputs)), maps(targets), strict=True)
    return sum(0.5 * jnp.mean(jnp.square(a - b), axis=(1, 2, 3)) for a, b in pairs)


def _relative(ours: list[Array], theirs: list[Array]) -> Array:
    gaps = []
    for a, b in zip(ours, theirs, strict=True):
        b = jax.lax.stop_gradient(b)
        axes = tuple(range(1, b.ndim))
        scale = jnp.mean(jnp.square(b), axis=axes)
        gaps.append(jnp.mean(jnp.square(a - b), axis=axes) / (scale + 1e-8))
    return sum(gaps) / len(gaps)


def _unit(images: Array) -> Array:
    """[-1, 1] to [0, 1]."""
    return (images + 1) / 2
