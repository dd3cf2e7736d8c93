"""What both players of a GAN minimise beside the objective, from further heads of the discriminator.

Each function returns the terms of both players, as an objective of both does.
"""

import math

import chex
import jax
import jax.numpy as jnp
import optax

from genlab.game.codes import Code
from genlab.numbers import NonNegative, Positive
from genlab.objectives.likelihood import cross_entropy
from genlab.registry import objectives

Array = jax.Array
Terms = dict[str, dict[str, Array]]


@objectives.register
def class_likelihood(
    real_classes: Array,
    fake_classes: Array,
    label: Array,
    fake_label: Array,
    *,
    weight: NonNegative = 1.0,
    fake_weight: NonNegative = 1.0,
) -> Terms:
    """AC-GAN: the discriminator tells the class of all that it sees, the generator makes it tellable.

    Both maximise the log-likelihood of the class: discriminator w (-log P(c|x) - f log P(c|G(z, c))),
    generator -w log P(c|G(z, c)).

    Args:
      real_classes: [B, K], logits of the classes of real examples.
      fake_classes: [B, K], of generated examples.
      label: [B] int in [0, K), c of real examples.
      fake_label: [B] int in [0, K), c of generated ones; or weights of all classes, [B, K].
      weight: w, 0 or more.
      fake_weight: f, of the discriminator's term of fakes, 0 or more; at 0 it learns classes from real
        examples alone.

    Returns:
      Terms in nats.

    Paper: Odena, Olah & Shlens 2017, arXiv:1610.09585
    """
    chex.assert_equal_shape([real_classes, fake_classes])
    if fake_label.ndim == 1:
        fake_label = jax.nn.one_hot(fake_label, fake_classes.shape[1])
    fake = weight * optax.softmax_cross_entropy(fake_classes, fake_label)
    real = weight * cross_entropy(real_classes, label)
    return {
        "discriminator": {"class_real": real, "class_fake": fake_weight * fake},
        "generator": {"class_fake": fake},
    }


class_likelihood.needs_head = "classes"


@objectives.register
def mutual_information(
    codes: Code,
    found_codes: Code,
    *,
    weight: NonNegative = 1.0,
    deviation: Positive = 1.0,
) -> Terms:
    """InfoGAN: the discriminator finds the codes that an example was made of, and both want it to.

    Both minimise -w L, L = log Q(c|G(z, c)) + H(c), whose mean is a lower bound of the mutual
    information I(c; G(z, c)). Q of a category is a softmax, of a value a Gaussian of fixed deviation
    s around the mean that is found. At a perfect Q of categories alone the bound is H(c).

    Args:
      codes: c, that the fakes were made of.
      found_codes: Q of these fakes: logits of categories and means of values, shapes as of `codes`.
      weight: w, 0 or more; lambda of the paper.
      deviation: s > 0.

    Returns:
      The term `information` of both, [B] nats.

    Paper: Chen et al. 2016, arXiv:1606.03657
    """
    chex.assert_trees_all_equal_shapes(codes, found_codes)
    found = sum(
        jnp.sum(one * jax.nn.log_softmax(logits), axis=1) + math.log(one.shape[1])
        for one, logits in zip(codes.categories, found_codes.categories, strict=True)
    )
    gap = (codes.values - found_codes.values) / deviation
    # The entropy of a value is log 2, and the Gaussian's normaliser log(s sqrt(2 pi)).
    constant = math.log(2) - 0.5 * math.log(2 * math.pi) - jnp.log(deviation)
    found += jnp.sum(constant - 0.5 * jnp.square(gap), axis=1)
    return {
        "discriminator": {"information": -weight * found},
        "generator": {"information": -weight * found},
    }


mutual_information.needs_head = "codes"
