"""What both players of a GAN minimise beside the objective, from further heads of the discriminator.

Each function returns the terms of both players, as an objective of both does.
"""

import math
from collections.abc import Callable, Mapping

import chex
import jax
import jax.numpy as jnp
import optax

from genlab.errors import InputError
from genlab.game import parallel
from genlab.game.codes import Code, Codes
from genlab.numbers import NonNegative, Positive
from genlab.objectives.information import scores_of_places
from genlab.objectives.likelihood import cross_entropy
from genlab.registry import corruptions, objectives

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


class_likelihood.needs_heads = ("classes",)


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


mutual_information.needs_heads = ("codes",)


@objectives.register
def self_augmented_information(
    real: Array,
    codes: Code,
    tell: Callable[[Array], Mapping[str, Array]],
    key: Array,
    *,
    weight: NonNegative = 1.0,
    information_weight: NonNegative = 0.1,
    marginal_weight: NonNegative = 4.0,
    augment: str | Mapping = "flip_and_shift",
) -> Terms:
    """IMSAT: the categories that the discriminator finds in real examples are clusters of them, which a change
    T that keeps the meaning does not leave.

    The discriminator minimises w (R - l (m H(C) - H(C|X))): R = -sum_c q(c|x) log q(c|T(x)), the q of x
    held fixed; H(C) the entropy in nats of the mean of q over the batch, H(C|X) the mean of its entropy;
    summed over the categorical codes. The bound of InfoGAN asks of fakes alone that their codes are found; this
    asks the same posterior to part the data evenly, and so which codes there are to be.

    Args:
      real: [B, H, W, C], real examples as they were shown.
      codes: of the fakes, whose numbers of categories are taken.
      tell: callable, what the discriminator tells of examples, by name.
      key: of T.
      weight: w, 0 or more.
      information_weight: l, lambda of the paper, 0 or more.
      marginal_weight: m, mu of the paper, 0 or more.
      augment: T, a registered corruption.

    Returns:
      Of the discriminator `agreement` and `information_real`, [B] nats, and none of the generator.

    Raises:
      InputError: the game has no categorical code.

    Paper: Hu et al. 2017, arXiv:1702.08720, with a corruption in the place of adversarial perturbations
    """
    if not codes.categories:
        raise InputError(
            "objective 'self_augmented_information' is of categorical codes, and the game has none;"
            " experiment.categorical=(10,) gives it one of ten categories"
        )
    moved = corruptions.choose(augment)(real, key=key)
    sizes = [one.shape[1] for one in codes.categories]
    split = Codes(sizes, codes.values.shape[1]).split
    here, there = (split(tell(x)["codes"]).categories for x in (real, moved))
    agreement = information = jnp.zeros(real.shape[0])
    for logits, moved_logits in zip(here, there, strict=True):
        log_q, log_moved = map(jax.nn.log_softmax, (logits, moved_logits))
        q = jnp.exp(log_q)
        agreement -= jnp.sum(jax.lax.stop_gradient(q) * log_moved, axis=1)
        every = parallel.gather_batch(log_q)
        log_mean = jax.nn.logsumexp(every, axis=0) - math.log(every.shape[0])
        # The mean of -q log E[q] over the batch is H(C).
        marginal = -jnp.sum(q * log_mean[None], axis=1)
        information += marginal_weight * marginal + jnp.sum(q * log_q, axis=1)
    return {
        "discriminator": {
            "agreement": weight * agreement,
            "information_real": -weight * information_weight * information,
        },
        "generator": {},
    }


self_augmented_information.needs_heads = ("codes",)


@objectives.register
def information_of_both(
    real_local: Array,
    real_whole: Array,
    fake_local: Array,
    fake_whole: Array,
    *,
    discriminator_weight: NonNegative = 0.2,
    generator_weight: NonNegative = 0.2,
    bound: str = "info_nce",
) -> Terms:
    """InfoMax-GAN: what the discriminator sees of an image as a whole is to tell its parts from those of others.

    A bound of the mutual information between both, for each place of the map alone, of real examples in the
    discriminator's loss and of generated ones in the generator's. The paper's denominator has the features
    of all places of the other images, here it has those of the same place.

    Args:
      real_local: [B, D, K], features of each place of real examples.
      real_whole: [B, K], of the examples as a whole.
      fake_local: [B, D, K], of generated ones.
      fake_whole: [B, K].
      discriminator_weight: beta of the paper, 0 or more.
      generator_weight: alpha of the paper, 0 or more.
      bound: an objective of scores, `info_nce`, `jensen_shannon` or `donsker_varadhan`.

    Returns:
      Terms in nats, [B].

    Paper: Lee, Tran & Cheung 2021, arXiv:2007.04589, equations 7 to 9
    """
    estimate = jax.vmap(objectives.choose(bound))

    def mean(whole: Array, local: Array) -> Array:
        return jnp.mean(estimate(scores_of_places(whole, local)), axis=0)

    real, fake = mean(real_whole, real_local), mean(fake_whole, fake_local)
    return {
        "discriminator": {"information_real": discriminator_weight * real},
        "generator": {"information_fake": generator_weight * fake},
    }


information_of_both.needs_heads = ("local", "whole")
