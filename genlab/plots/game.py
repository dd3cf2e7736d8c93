"""Small games as dynamical systems: where every pair of parameters goes, and how fast it turns."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from genlab.data.dataset import Dataset
from genlab.game import rng
from genlab.game.experiment import Experiment
from genlab.game.turn import Draw, State
from genlab.geometry.game import check_small, field
from genlab.metrics.game_spectrum import check_game, spectrum
from genlab.numbers import Count, Positive
from genlab.plots import figure
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

EXAMPLES = 64


@plots.register
@needs("sample")
def game_spectrum(trained: Trained, *, num: Count = 256) -> np.ndarray:
    """Eigenvalues of the game's Jacobian in the plane: left of the line they pull back, on it they turn.

    Args:
      trained: a game of 2,000 parameters at most.
      num: training examples that the players look at.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: a game that is too large, or parameters that nobody moves.

    Paper: Mescheder et al. 2017, arXiv:1705.10461
    """
    _, values = spectrum(trained, "train", num)
    axes = figure.new_axes()
    axes.axvline(0, color=figure.MARK, lw=1)
    axes.plot(values.real, values.imag, "o", ms=5, color=figure.ACCENT, alpha=0.7)
    axes.set_xlabel("real part", color=figure.INK)
    axes.set_ylabel("imaginary part", color=figure.INK)
    return figure.render(axes.figure)


@plots.register
@needs("sample")
def phase_portrait(
    trained: Trained, *, size: Count = 21, reach: Positive = 2.0, rounds: Count = 500
) -> np.ndarray:
    """The field of a game of two parameters, and the way that training takes from where it stands.

    Arrows are of one length; the way is that of the run's own turns and optimizers, begun anew, from
    the circle to the dot. Unregularised GANs circle around the rest at the origin, R1 draws them in.

    Args:
      trained: a game of two parameters, such as 'dirac_gan'.
      size: arrows on a side.
      reach: of both axes.
      rounds: of training.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: a game of more parameters.

    Paper: Mescheder et al. 2018, arXiv:1801.04406, figure 2
    """
    check_small(trained.experiment, trained.params, exactly=2)
    _, restore = ravel_pytree(trained.params)
    first, second = sorted(trained.params, reverse=True)  # the generator's to the right
    batch = trained.examples("train", EXAMPLES)
    key = rng.stream(trained.seed, "phase_portrait")
    ticks = np.linspace(-reach, reach, size, dtype=np.float32)
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)

    def arrows(experiment, extra, batch, key, step, points):
        draw = Draw(batch, key, step)
        return jax.vmap(lambda w: field(experiment, restore(w), extra, draw))(points)

    # `ravel_pytree` goes by names: the discriminator comes first.
    where = trained.extra, batch, key, np.int32(trained.step)
    found = trained.compile("phase_portrait", arrows)(*where, grid[:, ::-1])
    shown = np.asarray(found)[:, ::-1]
    shown = shown / np.maximum(np.linalg.norm(shown, axis=1, keepdims=True), 1e-12)
    way = _way(trained, batch, rounds, key)[:, ::-1]
    axes = figure.new_axes()
    axes.quiver(*grid.T, *shown.T, color=figure.MUTED, width=0.003, pivot="middle")
    axes.plot(*way.T, "-", color=figure.ACCENT, lw=1.5)
    axes.plot(*way[0], "o", ms=8, mfc="none", color=figure.ACCENT)
    axes.plot(*way[-1], "o", ms=6, color=figure.ACCENT)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.set_xlabel(f"parameter of the {first}", color=figure.INK)
    axes.set_ylabel(f"parameter of the {second}", color=figure.INK)
    return figure.render(axes.figure)


def _way(trained: Trained, batch: dict, rounds: int, key: jax.Array) -> np.ndarray:
    """The parameters before every round of training and after the last: [rounds + 1, 2]."""

    def trains(experiment: Experiment, params, extra, batch, key):
        players = experiment.players()
        state = State(
            jnp.zeros((), jnp.int32),
            params,
            {n: p.optimizer.transform.init(params[n]) for n, p in players.items()},
            extra,
        )
        draws = jax.tree.map(
            lambda leaf: jnp.repeat(leaf[None], experiment.draws(), 0), batch
        )

        def one(state, index):
            new, _ = experiment.train_step(state, draws, rng.fold(key, index))
            return new, ravel_pytree(state.params)[0]

        last, before = jax.lax.scan(one, state, jnp.arange(rounds))
        return jnp.concatenate([before, ravel_pytree(last.params)[0][None]])

    compiled = trained.compile(f"phase_portrait way {rounds}", trains)
    return np.asarray(compiled(trained.params, trained.extra, batch, key))


def _check_spectrum(experiment: Experiment, data: Dataset, **knobs: Any) -> None:
    del knobs
    check_game(experiment, data)


def _check_plane(experiment: Experiment, data: Dataset, **knobs: Any) -> None:
    del knobs
    check_game(experiment, data, exactly=2)


game_spectrum.check, phase_portrait.check = _check_spectrum, _check_plane
