"""Sparse coding: a dictionary of which each example uses few atoms, by modal EM."""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.game import parallel, rng
from genlab.game.precision import exact_products
from genlab.inference.expectation import towards
from genlab.inference.sparse import best_atoms, sparse_codes
from genlab.models.density import Density
from genlab.numbers import Count, Positive
from genlab.registry import models

Array = jax.Array


@models.register
class SparseDictionary(Density):
    """x = m + z A + e, z Laplace, e Gaussian, by modal EM: `sgd` at rate 1 on all examples.

    A round finds the most probable code of each example, 1/2 |x - m - z A|^2 + (std^2 / scale) |z|_1 at
    its least, and then, for these codes, atoms of norm one, one after another. With codes that are at
    their least the energy of all examples never rises. The mode of p(z|x) stands for all of it, so that
    std and scale are given: at modes they would shrink.

    Attributes:
      example_shape: as of `Density`.
      atoms: K.
      std: of e, in the unit of x.
      scale: of the Laplace density of each number of z, mean |z|.
      steps: of the proximal iteration that finds codes.
      accelerated: FISTA, or ISTA.
      example_mean: m, [*example_shape], the mean of the data where they are images; None for 0.
      dtype: type of the computation.

    Papers: Olshausen & Field 1996, Nature 381:607-609; Mairal, Bach, Ponce & Sapiro 2010, JMLR 11:19-60;
      Beck & Teboulle 2009, SIAM J. Imaging Sci. 2:183-202
    """

    COST = "energy"

    atoms: Count = 100
    std: Positive = 0.2
    scale: Positive = 0.4
    steps: Count = 100
    accelerated: bool = True
    example_mean: Any = None

    def setup(self) -> None:
        normal = nn.initializers.normal(1.0)
        self.dictionary = self.param("atoms", normal, (self.atoms, self.size))

    @exact_products
    def __call__(self, x: Array, key: Array, *, train: bool = False) -> Array:
        """-log p(x, z) at the most probable z of `x: [B, *example_shape]`: [B], nats."""
        del key
        atoms, z = jax.lax.stop_gradient(self._unit()), self.code(x)
        gap = self._centred(x) - z @ atoms
        energy = 0.5 * jnp.sum(jnp.square(gap / self.std), axis=1)
        energy += jnp.sum(jnp.abs(z), axis=1) / self.scale
        energy += self.size * (jnp.log(self.std) + 0.5 * math.log(2 * math.pi))
        energy += self.dictionary.shape[0] * jnp.log(2 * self.scale)
        if not train:
            return energy
        products = z.T @ z, z.T @ self._centred(x)
        means = parallel.mean_over_devices(
            jax.tree.map(lambda leaf: leaf / x.shape[0], products)
        )
        return towards(energy, self.dictionary, best_atoms(atoms, *means))

    def code(self, x: Array, *, train: bool = False) -> Array:
        """The most probable code: [B, K] of `x: [B, *example_shape]`."""
        del train
        penalty = jnp.square(self.std) / self.scale
        knobs = dict(steps=self.steps, accelerated=self.accelerated)
        atoms = jax.lax.stop_gradient(self._unit())
        return sparse_codes(self._centred(x), atoms, penalty, **knobs)

    def mean(self, z: Array, *, train: bool = False) -> Array:
        """m + z A: [B, *example_shape] of `z: [B, K]`."""
        del train
        return self.shaped(self._offset() + z @ self._unit())

    def draw(self, key: Array, num: int, *, train: bool = False) -> Array:
        """`num` draws of x: [num, *example_shape]."""
        u = rng.uniform(rng.fold(key, "code"), (num, self.atoms), -1.0, 1.0)
        z = -self.scale * jnp.sign(u) * jnp.log1p(-jnp.abs(u))
        noise = rng.normal(rng.fold(key, "noise"), (num, self.size))
        return self.mean(z) + self.std * self.shaped(noise)

    def scores(self, x: Array, *, train: bool = False) -> dict[str, Array]:
        """`squared_error`, half that of m + z A, and `active_share`, atoms in use: [B] each."""
        del train
        z = self.code(x)
        gap = self.flat(x) - self.flat(self.mean(z))
        return {
            "squared_error": 0.5 * jnp.sum(jnp.square(gap), axis=1),
            "active_share": jnp.mean((z != 0).astype(jnp.float32), axis=1),
        }

    def filters(self, *, train: bool = False) -> Array:
        """The atoms: [K, D]."""
        del train
        return self._unit()

    def _unit(self) -> Array:
        return self.dictionary / jnp.linalg.norm(self.dictionary, axis=1, keepdims=True)

    def _offset(self) -> Array:
        if self.example_mean is None:
            return jnp.zeros((1, self.size))
        return jnp.asarray(self.example_mean, jnp.float32).reshape(1, -1)

    def _centred(self, x: Array) -> Array:
        return self.flat(x) - self._offset()
