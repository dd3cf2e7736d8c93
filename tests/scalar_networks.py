"""Networks of one weight, whose slopes are known by hand."""

import flax.linen as nn
import jax.numpy as jnp


class Times(nn.Module):
    """x times one weight: a mean with hardly any noise, or an example."""

    weight: float
    gaussian: bool = False

    @nn.compact
    def __call__(self, x, *, train=False):
        y = self.param("w", nn.initializers.constant(self.weight), ()) * x
        return (y, jnp.full_like(y, -80.0)) if self.gaussian else y
