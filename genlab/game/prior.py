"""Samples of families that make examples from standard normal latents, and from codes beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import rng
from genlab.game.codes import Codes
from genlab.numbers import Count, Whole
from genlab.part import name_of

Array = jax.Array
PyTree = Any

PRIOR = "prior"  # the role of a network that the prior is learned by


class FromPrior:
    """A family that has `decode`, and the knobs `latent_dim` and `num_classes`, samples from its prior.

    One with an optional network in the role `prior` has `learned_prior(params, extra)`, which `draw`s.

    Attributes:
      DECODER: the role of the network that examples come from.
      codes: what a latent has beside its noise; nothing, unless the family says otherwise.
    """

    DECODER: ClassVar[str]
    codes: ClassVar = Codes()

    def latents(self, key: Array, num: int) -> Array:
        """`num` draws of z ~ N(0, I), and codes after it where there are any: `[num, Z]`."""
        z = rng.normal(key, (num, self.latent_dim))
        if not self.codes.width:
            return z
        return jnp.concatenate([z, self.codes.draw(rng.fold(key, "codes"), num)], 1)

    def sample(self, params: PyTree, extra: PyTree, key: Array, num: int) -> Array:
        """`decode` at `num` latents, `[num, ...]`; classes drawn evenly where it takes one."""
        z, label = self._from_prior(params, extra, key, num), None
        if self.networks[self.DECODER].takes_label:
            label = rng.classes(key, num, self.num_classes)
        return self.decode(params, extra, z, label)

    def sample_classes(
        self, params: PyTree, extra: PyTree, label: Array, key: Array
    ) -> Array:
        """`decode` of given classes at draws from the prior, `label: [N]`: `[N, ...]`.

        Raises:
          InputError: the network takes no label.
        """
        self.networks[self.DECODER].need_label("samples of a class")
        z = self._from_prior(params, extra, key, label.shape[0])
        return self.decode(params, extra, z, label)

    def _from_prior(self, params: PyTree, extra: PyTree, key: Array, num: int) -> Array:
        """Draws of the prior, which a network in the role `prior` may have learned: `[num, Z]`."""
        if PRIOR in self.networks:
            return self.learned_prior(params, extra).draw(key, num)
        return self.latents(key, num)


@dataclass(frozen=True, kw_only=True)
class FromCodes(FromPrior):
    """A family whose latents have codes after their noise, which its discriminator may find again.

    Attributes:
      categorical: number of categories of each categorical code.
      continuous: number of codes in [-1, 1) after these.
    """

    categorical: Sequence[Count] = ()
    continuous: Whole = 0

    @property
    def codes(self) -> Codes:
        """What the generator is given after its noise."""
        return Codes(tuple(self.categorical), self.continuous)

    def recognize(self, params: PyTree, extra: PyTree, x: Array) -> Array:
        """What the discriminator tells of the codes of `x: [B, ...]`: [B, codes.width], logits of
        categories and means of values.

        Raises:
          InputError: it tells nothing of codes.
        """
        found = self.networks["discriminator"](params, extra, x)
        if not isinstance(found, Mapping) or "codes" not in found:
            raise InputError(
                "what an example is made of is told by a discriminator with a head of codes,"
                " dict(name='heads', network=dict(name=...), heads=('codes',))"
            )
        return found["codes"]

    def sample_codes(
        self, params: PyTree, extra: PyTree, codes: Array, key: Array
    ) -> Array:
        """`decode` of given `codes: [N, codes.width]` at draws of the noise: `[N, ...]`.

        Raises:
          InputError: the game has no codes.
        """
        if not self.codes.width:
            raise InputError(
                "samples of a code need a game that has codes; give the experiment some,"
                " categorical=(10,) or continuous=2"
            )
        z = rng.normal(key, (codes.shape[0], self.latent_dim))
        return self.decode(params, extra, jnp.concatenate([z, codes], axis=1))


def check_prior(experiment: Any, what: str) -> None:
    """Raises InputError unless a family decodes draws of a prior; `what` asks for it."""
    names = ("decode", "latents", "DECODER")
    lacks = [name for name in names if not hasattr(experiment, name)]
    if lacks:
        raise InputError(
            f"{what} needs a family that decodes z ~ N(0, I), as 'gan' and 'vae' do; experiment"
            f" {name_of(experiment)!r} has no {lacks[0]}"
        )
    if PRIOR in experiment.networks:
        raise InputError(
            f"{what} needs a family that decodes z ~ N(0, I), and model.prior learns another prior"
        )
