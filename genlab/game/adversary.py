"""Real and generated examples before a discriminator."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import parallel, rng
from genlab.game.experiment import Experiment
from genlab.game.network import Network
from genlab.game.slots import parts_in
from genlab.game.turn import Draw
from genlab.numbers import Fraction
from genlab.part import as_terms, needs_of

Array = jax.Array
PyTree = Any
Terms = dict[str, dict[str, Array]]

PLAYERS = ("discriminator", "generator")
# To an objective of both; heads are empty where the discriminator tells no more than its logits.
OFFER = (
    *("real_logits", "fake_logits", "real", "fake"),
    *("real_features", "fake_features", "real_heads", "fake_heads"),
)
# To what a discriminator pays beside it; one that takes labels is as a critic given those of the real
# examples, and as one of fakes what these were asked to be.
PAID_FOR = (
    *("critic", "critic_of_fakes", "real", "fake"),
    *("real_logits", "fake_logits", "parameters"),
)


class Judged(NamedTuple):
    """What a discriminator makes of real and of generated examples, as an objective is offered it.

    Attributes:
      real_logits: [N], of patches each as an example of its own.
      fake_logits: [N].
      real: [B, ...], as they were shown.
      fake: [B, ...].
      real_features: [B, F], what the method `features` of the discriminator makes of them; None where
        it has none, or the objective does not ask.
      fake_features: [B, F] or None.
      real_heads: what the discriminator tells beside its logits, by name.
      fake_heads: the same.
    """

    real_logits: Array
    fake_logits: Array
    real: Array
    fake: Array
    real_features: Array | None
    fake_features: Array | None
    real_heads: Mapping[str, Array]
    fake_heads: Mapping[str, Array]

    def flipped(self, key: Array, probability: Fraction) -> "Judged":
        """With the verdicts on a real and on a generated example swapped with a probability, so that
        the discriminator learns from wrong labels.

        Paper: Salimans et al. 2016, arXiv:1606.03498, label noise as in Arjovsky & Bottou 2017,
          arXiv:1701.04862
        """
        swap = rng.bernoulli(key, probability, self.real_logits.shape)
        return self._replace(
            real_logits=jnp.where(swap, self.fake_logits, self.real_logits),
            fake_logits=jnp.where(swap, self.real_logits, self.fake_logits),
        )


def judge(
    experiment: Experiment,
    role: str,
    params: PyTree,
    extra: PyTree,
    draw: Draw,
    real: tuple[Array, ...],
    fake: tuple[Array, ...],
    *,
    which: str = "",
    fake_label: Array | None = None,
    slot: str = "objective",
) -> tuple[Judged, PyTree]:
    """The discriminator's verdicts, and `extra` with its variables renewed.

    Real and generated examples are two batches: batch normalisation sees them apart. Logits of
    patches, [B, h, w], count as examples of their own. A discriminator that takes labels sees those of
    the real examples with both, unless generated ones have their own. One that tells more than logits
    returns a dict with them under `logits`.

    Args:
      experiment: whose discriminator it is.
      role: of the discriminator, which maps what it is shown to logits, [B] or [B, h, w].
      params: of the state.
      extra: of the state.
      draw: whose keys are used.
      real: what the discriminator is shown of real examples, these last.
      fake: the same of generated ones.
      which: tells several comparisons of one draw apart, in their keys.
      fake_label: [B] or [B, K], of the generated examples.
      slot: of the objective that is to weigh the verdicts.
    """
    logits, features, heads = [], [], []
    discriminator = experiment.networks[role]
    label = draw.batch.get("label")
    labels = {"real": label, "fake": label if fake_label is None else fake_label}
    for name, shown in (("real", real), ("fake", fake)):
        call = (params, extra, *shown)
        seen = {"key": draw.key(name + which), "label": labels[name]}
        features.append(_features(experiment, slot, discriminator, call, seen))
        verdict, extra = discriminator.train(*call, **seen)
        logits.append(logits_of(verdict).reshape(-1))
        heads.append(verdict if isinstance(verdict, Mapping) else {})
    return Judged(*logits, real[-1], fake[-1], *features, *heads), extra


def logits_of(verdict: Array | Mapping[str, Array]) -> Array:
    """The logits among what a discriminator tells."""
    return verdict["logits"] if isinstance(verdict, Mapping) else verdict


def _features(
    experiment: Experiment,
    slot: str,
    discriminator: Network,
    call: tuple,
    seen: Mapping,
) -> Array | None:
    """What the last layer of the discriminator sees, where the objective in a slot asks for it."""
    (part,) = parts_in(experiment, slot).values()
    asked = needs_of(part).keys() & {"real_features", "fake_features"}
    if not asked or not hasattr(discriminator.module, "features"):
        return None
    return discriminator.train(*call, **seen, method="features")[0]


def weigh(
    experiment: Experiment,
    extra: PyTree,
    draw: Draw,
    judged: Judged,
    *,
    stream: str = "objective/discriminator",
    slot: str = "objective",
) -> tuple[Terms, PyTree]:
    """The objective's terms of both players, and `extra` with what the objective remembers renewed.

    Args:
      experiment: its objective is offered the verdicts.
      extra: of the state.
      draw: whose keys are used.
      judged: the verdicts.
      stream: of the objective's key.
      slot: where it is.

    Raises:
      InputError: the objective has no terms of one of both.
    """
    found, extra = experiment.recall(
        slot, draw, extra, stream=stream, **judged._asdict()
    )
    (name,) = parts_in(experiment, slot)
    return of_both(name, found), extra


def as_function(
    experiment: Experiment,
    role: str,
    params: PyTree,
    extra: PyTree,
    draw: Draw,
    label: Array | None,
) -> Callable[..., Array]:
    """A network as a function, given a label where it takes one, that draws the same at every call and renews
    nothing; a discriminator's logits."""
    known = {"key": draw.key("penalty"), "label": label}
    network = experiment.networks[role]

    def call(*inputs: Array, **how: Any) -> Array:
        return logits_of(network.train(params, extra, *inputs, **how, **known)[0])

    return call


def of_the_best(
    terms: dict[str, Array], logits: Array, share: Array
) -> dict[str, Array]:
    """Terms of the generator in which only the best of its examples count, by their logits.

    Their mean over the batch is that over the `ceil(share N)` examples with the highest logits, over
    all devices; ties go to the earlier. Terms of real examples, and of the batch as a whole, stay.

    Args:
      terms: name -> [N] or [].
      logits: [N], of the generated examples.
      share: in [0, 1]; of one example at least.

    Paper: Sinha et al. 2020, arXiv:2002.06224
    """
    every = parallel.gather_batch(logits)
    order = jnp.argsort(-every)
    rank = jnp.zeros_like(order).at[order].set(jnp.arange(every.shape[0]))
    count = jnp.maximum(jnp.ceil(share * every.shape[0]), 1.0)
    weight = jnp.where(rank < count, every.shape[0] / count, 0.0)
    weight = jax.lax.stop_gradient(parallel.local_share(weight))
    of_fakes = lambda name, term: term.ndim and name != "real"
    return {
        name: weight * term if of_fakes(name, term) else term
        for name, term in terms.items()
    }


def of_both(objective: str, found: Any, players: tuple[str, str] = PLAYERS) -> Terms:
    """The terms of both players, by name, that an objective returned."""
    for player in players:
        if not isinstance(found, Mapping) or player not in found:
            raise InputError(
                f"objective {objective!r} returned no terms of {player!r}; between two it is a dict of"
                f" {' and '.join(map(repr, players))}, each with terms"
            )
    return {player: as_terms(found[player], "objective") for player in players}
