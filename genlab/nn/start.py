"""How the weights of convolutions are drawn, chosen by name."""

import flax.linen as nn

from genlab.errors import InputError, suggest

# `normal` is DCGAN's and pix2pix's, whose norms make up for it: where there are none, each layer of
# a narrow network makes its signal several times smaller. `he` keeps its size.
STARTS = {"normal": nn.initializers.normal(0.02), "he": nn.initializers.he_normal()}


def drawn_as(start: str) -> nn.initializers.Initializer:
    """The initializer of a name.

    Raises:
      InputError: an unknown name.

    Papers: `normal`: Radford et al. 2016, arXiv:1511.06434; `he`: He et al. 2015, arXiv:1502.01852
    """
    if start not in STARTS:
        raise InputError(f"start {start!r} is unknown{suggest(start, STARTS)}")
    return STARTS[start]
