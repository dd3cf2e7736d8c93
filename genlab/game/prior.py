"""Samples of families that make examples from standard normal latents."""

from typing import Any, ClassVar

import jax

from genlab.errors import InputError
from genlab.game import rng

Array = jax.Array
PyTree = Any


class FromPrior:
    """A family that has `decode`, and the knobs `latent_dim` and `num_classes`, samples from its prior.

    Attributes:
      DECODER: the role of the network that examples come from.
    """

    DECODER: ClassVar[str]

    def sample(self, params: PyTree, extra: PyTree, key: Array, num: int) -> Array:
        """`decode` at `num` draws of z ~ N(0, I), `[num, ...]`; classes drawn evenly where it takes one."""
        z, label = rng.normal(key, (num, self.latent_dim)), None
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
        z = rng.normal(key, (label.shape[0], self.latent_dim))
        return self.decode(params, extra, z, label)


def check_prior(experiment: Any, what: str) -> None:
    """Raises InputError unless a family decodes standard normal latents; `what` asks for it."""
    names = ("decode", "latent_dim", "DECODER")
    lacks = [name for name in names if not hasattr(experiment, name)]
    if lacks:
        raise InputError(
            f"{what} needs a family that decodes z ~ N(0, I), as 'gan' and 'vae' do; experiment"
            f" {type(experiment).__name__} has no {lacks[0]}"
        )
