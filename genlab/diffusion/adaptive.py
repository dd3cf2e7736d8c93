"""The probability flow by steps as long as its error allows, by diffrax."""

import importlib.util
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from genlab import shipped
from genlab.diffusion.likelihood import BEGIN
from genlab.diffusion.path import Path
from genlab.diffusion.sampler import Denoise, Sampler, drift
from genlab.errors import InputError, suggest
from genlab.numbers import Count, Positive
from genlab.registry import samplers

Array = jax.Array

SOLVERS = ("bosh3", "dopri5", "tsit5")


@samplers.register
@dataclass(frozen=True, kw_only=True)
class Adaptive(Sampler):
    """Embedded Runge-Kutta steps of the probability flow, in sqrt(t), whose error is kept below a tolerance.

    A step suits the example of the chunk whose error is largest. What is left of the way at t = 1e-5, or on a path
    that begins in noise at 0, is one prediction.

    Attributes:
      steps: the most that are taken; where they do not suffice all numbers of the chunk are NaN.
      relative, absolute: tolerances of the root mean square error of an example in a step.
      solver: `tsit5` and `dopri5`, of order 5, or `bosh3`, of order 3.
      clip: of predictions, see `Sampler`.

    Papers: Dormand & Prince 1980, J. Comput. Appl. Math. 6:19-26; Kidger 2021, arXiv:2202.02435 (diffrax)
    """

    draws: ClassVar = False

    steps: Count = 4096
    relative: Positive = 1e-3
    absolute: Positive = 1e-3
    solver: str = "tsit5"

    def __post_init__(self) -> None:
        """Refuses an unknown solver, and a machine without diffrax."""
        super().__post_init__()
        if self.solver not in SOLVERS:
            raise InputError(
                f"solver {self.solver!r} is unknown{suggest(self.solver, SOLVERS)}"
            )
        if importlib.util.find_spec("diffrax") is None:
            raise InputError(
                f"sampler 'adaptive' needs diffrax, which is not installed; {shipped.install('ode')}"
            )

    def solve(self, path: Path, denoise: Denoise, start: Array) -> Array:
        """Examples, [B, ...], from x_1."""
        import diffrax

        def field(root: Array, x: Array, args: None) -> Array:
            del args
            return 2 * root * drift(path, denoise, x, jnp.square(root))

        def worst(error: Array) -> Array:
            each = jnp.mean(jnp.square(error.reshape(len(start), -1)), axis=1)
            return jnp.sqrt(jnp.max(each))

        solver = {
            "bosh3": diffrax.Bosh3,
            "dopri5": diffrax.Dopri5,
            "tsit5": diffrax.Tsit5,
        }[self.solver]()
        end = 0.0 if path.begins_in_noise else BEGIN
        found = diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            solver,
            t0=1.0,
            t1=end**0.5,
            dt0=None,
            y0=start,
            stepsize_controller=diffrax.PIDController(
                rtol=self.relative, atol=self.absolute, norm=worst
            ),
            max_steps=self.steps,
            throw=False,  # which would be by a call to the host
        )
        done = found.result == diffrax.RESULTS.successful
        example = denoise(found.ys[0], jnp.asarray(end))[0]
        return jnp.where(done, example, jnp.nan)
