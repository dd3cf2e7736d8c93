"""What fakes are asked to be, and what players pay where they are something else."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import parallel, rng
from genlab.game.adversary import PLAYERS, Judged, Terms, logits_of, of_both, weigh
from genlab.game.experiment import Experiment
from genlab.game.slots import ask_part, parts_in
from genlab.game.turn import Draw
from genlab.part import says

Array = jax.Array
PyTree = Any
Asked = Mapping[str, Array]

# To a part with terms of both players beside the objective's; None where the discriminator does not tell
# it, or the game has no codes.
AUXILIARY = (
    *("real_classes", "fake_classes", "fake_label", "codes", "found_codes"),
    *("real", "fake", "tell"),
    *("real_local", "real_whole", "fake_local", "fake_whole"),
)


def latents(experiment: Any, draw: Draw) -> Array:
    """What a family `FromPrior` makes the fakes of a draw of, `[B, Z]`."""
    return experiment.latents(draw.key("latent"), draw.batch["x"].shape[0])


def asked(experiment: Any, draw: Draw) -> Asked:
    """What the fakes of a draw are to be: `label` of the real examples, or in part of another where the
    knob `interpolated` says so, and `codes`; each where there is one."""
    found, label = {}, draw.batch.get("label")
    if experiment.interpolated is not None:
        experiment.networks["generator"].need_label("interpolated conditions")
    if label is not None:
        found["label"] = label
        if experiment.interpolated is not None:
            share, count = experiment.interpolated, experiment.num_classes
            key = draw.key("interpolated")
            found["label"] = interpolated(label, key, share, count)
    if experiment.codes.width:
        found["codes"] = latents(experiment, draw)[:, experiment.latent_dim :]
    return found


def other_label(label: Array) -> Array:
    """For each of `label: [B]` int the next in the batch that differs, [B]; itself where none does."""
    labels = parallel.gather_batch(label)
    size = labels.shape[0]
    ahead = jnp.arange(1, size)[None]
    places = parallel.example_indices(label.shape[0])[:, None] + ahead
    others = labels[places % size]
    parallel.need_several(size, "a label of another example")
    first = jnp.argmax(others != label[:, None], axis=1)
    return jnp.take_along_axis(others, first[:, None], axis=1)[:, 0]


def interpolated(label: Array, key: Array, share: Array, num_classes: int) -> Array:
    """Weights of all classes, [B, K]: of a share of the examples one half each for their own class and for
    another of the batch, of the others all for their own.

    Args:
      label: [B] int in [0, K).
      key: of the choice.
      share: in [0, 1], drawn for each example.
      num_classes: K.

    Paper: Reed et al. 2016, arXiv:1605.05396 (GAN-INT, beta = 1/2)
    """
    own, other = (
        jax.nn.one_hot(each, num_classes) for each in (label, other_label(label))
    )
    chosen = rng.bernoulli(key, share, label.shape)[:, None]
    return jnp.where(chosen, 0.5 * (own + other), own)


def with_mismatched(
    experiment: Experiment,
    params: PyTree,
    extra: PyTree,
    draw: Draw,
    judged: Judged,
    terms: Terms,
    share: Array,
) -> tuple[Terms, PyTree]:
    """The discriminator's terms with real examples of another class as fakes, and `extra` renewed.

    (1 - m) of each term is of the generated examples and m of real ones that come with the label of
    another: with m = 1/2 the matching-aware discriminator.

    Args:
      experiment: its discriminator takes a label.
      params: of the state.
      extra: of the state.
      draw: of the real examples.
      judged: the verdicts on these and on fakes.
      terms: of both players, from these verdicts.
      share: m, in [0, 1].

    Raises:
      InputError: the discriminator takes no label.

    Paper: Reed et al. 2016, arXiv:1605.05396 (GAN-CLS)
    """
    network = experiment.networks["discriminator"]
    network.need_label("mismatched pairs")
    wrong = other_label(draw.batch["label"])
    found, extra = network.train(
        params, extra, judged.real, key=draw.key("mismatched"), label=wrong
    )
    pairs = judged._replace(fake=judged.real, fake_logits=logits_of(found).reshape(-1))
    told, extra = weigh(experiment, extra, draw, pairs, stream="objective/mismatched")
    own, other = terms["discriminator"], told["discriminator"]
    mixed = {name: (1 - share) * own[name] + share * other[name] for name in own}
    return {**terms, "discriminator": mixed}, extra


def auxiliary_terms(
    experiment: Experiment,
    params: PyTree,
    extra: PyTree,
    draw: Draw,
    judged: Judged,
    asked: Asked,
) -> Terms:
    """The terms of both players from the parts in the slot `auxiliary`.

    Args:
      experiment: with the slot, and `codes`.
      params: of the state.
      extra: of the state, of which nothing is renewed.
      draw: of the real examples.
      judged: with what the discriminator's heads tell.
      asked: `label` and `codes` that the fakes were made of, where there are any.

    Raises:
      InputError: a part needs a head that the discriminator lacks, or returns no terms of a player.
    """
    real, fake, split = judged.real_heads, judged.fake_heads, experiment.codes.split
    known = {"key": draw.key("auxiliary"), "label": draw.batch.get("label")}
    network = experiment.networks["discriminator"]
    offered = {
        "real_classes": real.get("classes"),
        "fake_classes": fake.get("classes"),
        "fake_label": asked.get("label"),
        "codes": split(asked["codes"]) if "codes" in asked else None,
        "found_codes": split(fake["codes"]) if "codes" in fake else None,
        "real": judged.real,
        "fake": judged.fake,
        "tell": lambda x: network.train(params, extra, x, **known)[0],
    }
    for head in ("local", "whole"):
        offered |= {f"real_{head}": real.get(head), f"fake_{head}": fake.get(head)}
    terms: Terms = {player: {} for player in PLAYERS}
    for name, part in parts_in(experiment, "auxiliary").items():
        wanted = says(part, "needs_heads", ())
        if missing := [head for head in wanted if head not in fake]:
            raise InputError(
                f"objective {name!r} needs a discriminator that tells {missing[0]!r};"
                f" dict(name='heads', network=dict(name=...), heads={wanted}) does"
            )
        stream = f"auxiliary/{name}"
        found = ask_part(experiment, "auxiliary", part, draw, stream, {}, offered)
        for player, own in of_both(name, found).items():
            terms[player] |= {f"auxiliary_{term}": own[term] for term in own}
    return terms
