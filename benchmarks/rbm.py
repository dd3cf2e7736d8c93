"""PCD-1 of a machine with 500 hidden units, epochs of 60,000 images, batch and chains of 100.

`python -m benchmarks.rbm EPOCHS [DIR]` compares the pseudo-likelihoods after the same epochs; DIR is
MNIST as TFDS prepares it.
"""

import sys
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.genlab_side import trainer
from benchmarks.vae import BATCH, IMAGES, ROUNDS, repeated_digits
from genlab.boltzmann.machine import Machine
from genlab.boltzmann.pseudo import unit_log_probability
from genlab.boltzmann.units import Bernoulli
from genlab.config import files, override
from genlab.config import load as configs
from genlab.game.program import Program
from genlab.registry import datasets
from genlab.run.recipe import Recipe
from genlab.training.rounds import rounds_of

Run = Callable[[int], None]

CONFIG = "rbm_pcd.py:mnist"
PER_CALL = 100
SCORED = (
    1000  # images that the pseudo-likelihood is of, the first of the training images
)


def genlab(mnist: str) -> Run:
    """100 rounds in one compiled call."""
    run = trainer(CONFIG, _overrides(mnist), per_call=PER_CALL)
    return lambda epochs: run(epochs * ROUNDS)


def products(mnist: str) -> Run:
    """The five products of a round and nothing else: both units given the others, and the gradient's two."""
    del mnist
    generator = np.random.default_rng(0)
    sizes = (BATCH, 784), (BATCH, 500), (784, 500)
    first = [jnp.asarray(generator.random(size, np.float32)) for size in sizes]

    @jax.jit
    def rounds(visible: jax.Array, hidden: jax.Array, weights: jax.Array) -> jax.Array:
        def one(weights: jax.Array, _: None) -> tuple[jax.Array, None]:
            given, chains = visible @ weights, hidden @ weights.T
            slope = visible.T @ given - chains.T @ (chains @ weights)
            return weights - 1e-9 * slope, None

        return jax.lax.scan(one, weights, length=PER_CALL)[0]

    def run(epochs: int) -> None:
        for _ in range(epochs * ROUNDS // PER_CALL):
            rounds(*first).block_until_ready()

    return run


def scikit_learn(mnist: str) -> Run:
    """BernoulliRBM, whose chains are as many as the examples of a batch."""
    machine, x = _peer(_images(mnist))
    return lambda epochs: machine.set_params(n_iter=epochs).fit(x)


def scores(epochs: int, mnist: str) -> dict[str, float]:
    """Mean log pseudo-likelihood of both machines after some epochs, nats, summed over all pixels."""
    x = _images(mnist)
    peer, _ = _peer(x)
    peer.set_params(n_iter=epochs).fit(x)
    theirs = (peer.components_.T, peer.intercept_visible_, peer.intercept_hidden_)
    weights = _trained(epochs, mnist)
    ours = [weights[name] for name in ("kernel", "visible_bias", "hidden_bias")]
    v = jnp.asarray(x[:SCORED], jnp.float32)
    return {"genlab": _score(ours, v), "scikit_learn": _score(theirs, v)}


def _overrides(mnist: str) -> dict[str, str]:
    data = {"data": "benchmarks.vae:repeated_digits"}
    if mnist:
        data = {"data.data_dir": mnist, "data.validation_fraction": "0.0"}
    # What the peer does: grey pixels as they are, zero biases at first, a constant rate, no decay.
    return {
        **data,
        "data.binarize": "none",
        "model.machine.example_mean": "None",
        "optimizer.rbm.schedule": "None",
        "experiment.weight_decay": "0.0",
    }


def _images(mnist: str) -> np.ndarray:
    source = repeated_digits()
    if mnist:
        source = datasets.build("tfds:mnist", data_dir=mnist, validation_fraction=0.0)()
    images = source.splits["train"].load().arrays["x"]
    return images.reshape(IMAGES, -1).astype(np.float32) / 255


def _peer(x: np.ndarray):
    from sklearn.neural_network import BernoulliRBM

    return BernoulliRBM(500, learning_rate=0.05, batch_size=BATCH, random_state=0), x


def _trained(epochs: int, mnist: str) -> dict[str, jax.Array]:
    """Parameters of genlab's machine after some epochs."""
    config = configs.load(str(files.CONFIGS / CONFIG))
    for key, text in _overrides(mnist).items():
        override.override(config, key, text)
    recipe = Recipe.build(configs.plain(config))
    feed = recipe.feed()
    program = Program(
        rounds_of(recipe.experiment, feed), jax.devices()[:1], "jit", feed.batch_size
    )
    resident = program.place(feed.resident)
    state = program.place(recipe.init_state())
    for step in range(0, epochs * ROUNDS, PER_CALL):
        chunk = feed.chunk(step, PER_CALL)
        state, _ = program(state, resident, chunk, np.uint32(0))
    return state.params["rbm"]["machine"]


def _score(weights, v: jax.Array) -> float:
    leaves = [jnp.asarray(leaf, jnp.float32) for leaf in weights]
    machine = Machine(*leaves, Bernoulli(v.shape[1]))

    @jax.jit
    def total(machine: Machine, v: jax.Array) -> jax.Array:
        def one(unit: jax.Array) -> jax.Array:
            return unit_log_probability(machine, v, jnp.full(v.shape[:1], unit))

        return jnp.mean(jnp.sum(jax.lax.map(one, jnp.arange(v.shape[1])), axis=0))

    return float(total(machine, v))


if __name__ == "__main__":
    print(scores(int(sys.argv[1]), "".join(sys.argv[2:3])))
