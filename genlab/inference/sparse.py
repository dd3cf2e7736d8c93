"""Sparse codes of examples under a dictionary, and the dictionary of given codes."""

import jax
import jax.numpy as jnp

from genlab.numbers import Count

Array = jax.Array


def sparse_codes(
    x: Array,
    atoms: Array,
    penalty: Array | float,
    *,
    steps: Count,
    accelerated: bool = True,
) -> Array:
    """argmin_z 1/2 |x - z A|^2 + penalty |z|_1, by proximal steps of size 1 / |A A^T| from z = 0.

    Args:
      x: [B, D].
      atoms: [K, D], A.
      penalty: 0 or more.
      steps: of the iteration; the energy is above its minimum by at most the order of 1 / steps, or
        1 / steps^2 where they are accelerated (FISTA).
      accelerated: FISTA; ISTA otherwise, whose energy falls with every step.

    Returns:
      [B, K].

    Papers: Daubechies, Defrise & De Mol 2004, CPAM 57:1413-1457; Beck & Teboulle 2009, SIAM J. Imaging
      Sci. 2:183-202
    """
    gram, told = atoms @ atoms.T, x @ atoms.T
    small = gram if gram.shape[0] <= x.shape[1] else atoms.T @ atoms
    step = 1 / jnp.maximum(jnp.linalg.eigvalsh(small)[-1], 1e-12)

    def move(held: tuple[Array, Array, Array], _: None):
        z, ahead, age = held
        new = shrink(ahead - step * (ahead @ gram - told), step * penalty)
        older = 0.5 * (1 + jnp.sqrt(1 + 4 * jnp.square(age)))
        momentum = (age - 1) / older if accelerated else 0.0
        return (new, new + momentum * (new - z), older), None

    start = jnp.zeros_like(told)
    (z, _, _), _ = jax.lax.scan(move, (start, start, jnp.ones(())), length=steps)
    return z


def shrink(values: Array, by: Array | float) -> Array:
    """sign(v) max(|v| - by, 0), of any shape: the proximal map of by |v|."""
    return jnp.sign(values) * jnp.maximum(jnp.abs(values) - by, 0.0)


def best_atoms(atoms: Array, codes: Array, products: Array) -> Array:
    """Atoms of norm one that lower E |x - z A|^2 for given codes, one after another, each exactly.

    With P = E z z^T and Q = E z x^T, that of atom k given the others is u / |u|,
    u = Q_k - sum over j != k of P_kj A_j. An atom that no example uses stays.

    Args:
      atoms: [K, D], of norm one.
      codes: [K, K], P.
      products: [K, D], Q.

    Returns:
      [K, D].

    Paper: Mairal, Bach, Ponce & Sapiro 2010, JMLR 11:19-60, algorithm 2, on the sphere
    """

    def renew(index: Array, atoms: Array) -> Array:
        old = atoms[index]
        new = products[index] - codes[index] @ atoms + codes[index, index] * old
        norm = jnp.linalg.norm(new)
        used = (codes[index, index] > 0) & (norm > 0)
        return atoms.at[index].set(
            jnp.where(used, new / jnp.where(used, norm, 1.0), old)
        )

    return jax.lax.fori_loop(0, atoms.shape[0], renew, atoms)
