"""The MLP-VAE of configs/vae.py:mnist, epochs of 60,000 images, batch 100."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import pythae_side
from benchmarks.genlab_side import constant_rounds_of, trainer
from genlab.data.dataset import Dataset, array_splits
from genlab.registry import datasets

Run = Callable[[int], None]

BATCH, IMAGES = 100, 60_000
ROUNDS = IMAGES // BATCH
PER_CALL = 100


def repeated_digits() -> Dataset:
    """The embedded digits at 28 px, repeated to 60,000 images."""
    digits = datasets.build("digits", image_size=28)()
    arrays = digits.splits["train"].arrays
    train = {
        name: np.resize(array, (IMAGES, *array.shape[1:]))
        for name, array in arrays.items()
    }
    parts = {"train": train, "validation": arrays, "test": arrays}
    splits = array_splits(parts, validation_fraction=0.0)
    return Dataset("repeated digits", splits, digits.example_shape, num_classes=10)


def genlab(mnist: str) -> Run:
    """100 rounds in one compiled call."""
    return _epochs(trainer("vae.py:mnist", data(mnist), per_call=PER_CALL))


def constant_batch(mnist: str) -> Run:
    """genlab without feeding: the same batch, binarised once, in every round."""
    return _epochs(
        trainer(
            "vae.py:mnist", data(mnist), per_call=PER_CALL, rounds_of=constant_rounds_of
        )
    )


def products(mnist: str) -> Run:
    """The matrix products of a round and nothing else: four layers forward, seven products back."""
    del mnist
    generator = np.random.default_rng(0)
    draw = lambda *size: jnp.asarray(0.01 * generator.random(size, np.float32))
    x, deviation = draw(BATCH, 784), draw(BATCH, 20)
    widths = (784, 500), (500, 40), (20, 500), (500, 784)

    def gradient(weights: list[jax.Array]) -> list[jax.Array]:
        first, second, third, fourth = weights
        hidden = x @ first
        code = hidden @ second
        wide = code[:, :20] @ third
        error = wide @ fourth
        to_wide = error @ fourth.T
        to_moments = jnp.concatenate([to_wide @ third.T, deviation], 1)
        to_hidden = to_moments @ second.T
        return [
            x.T @ to_hidden,
            hidden.T @ to_moments,
            code[:, :20].T @ to_wide,
            wide.T @ error,
        ]

    @jax.jit
    def rounds(weights: list[jax.Array]) -> list[jax.Array]:
        def one(weights: list[jax.Array], _: None) -> tuple[list[jax.Array], None]:
            slopes = gradient(weights)
            return [w - 1e-9 * slope for w, slope in zip(weights, slopes)], None

        return jax.lax.scan(one, weights, length=PER_CALL)[0]

    weights = [draw(*size) for size in widths]

    def run(epochs: int) -> None:
        for _ in range(epochs * ROUNDS // PER_CALL):
            jax.block_until_ready(rounds(weights))

    return run


def data(mnist: str) -> dict[str, str]:
    """Overrides that name the images: MNIST of a folder, or the digits."""
    if mnist:
        return {"data.data_dir": mnist, "data.validation_fraction": "0.0"}
    return {"data": "benchmarks.vae:repeated_digits"}


def images(mnist: str) -> np.ndarray:
    """The same images, `[60000, 28, 28, 1]` uint8."""
    if not mnist:
        return repeated_digits().splits["train"].arrays["x"]
    source = datasets.build("tfds:mnist", data_dir=mnist, validation_fraction=0.0)()
    return source.splits["train"].load().arrays["x"]


def _epochs(run: Run) -> Run:
    return lambda epochs: run(epochs * ROUNDS)


def torch(mnist: str) -> Run:
    """The plain PyTorch loop: eager, images in memory, shuffled each epoch."""
    import torch
    from torch import nn
    from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

    pixels = torch.from_numpy(images(mnist)).reshape(IMAGES, 784)
    encoder = nn.Sequential(nn.Linear(784, 500), nn.Tanh(), nn.Linear(500, 40))
    decoder = nn.Sequential(nn.Linear(20, 500), nn.Tanh(), nn.Linear(500, 784))
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)

    def epoch() -> None:
        for index in torch.randperm(IMAGES).split(BATCH):
            x = torch.bernoulli(pixels[index].float() / 255)
            mean, log_variance = encoder(x).chunk(2, dim=1)
            z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
            nll = cross_entropy(decoder(z), x, reduction="none").sum(1)
            kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)
            optimizer.zero_grad(set_to_none=True)
            (nll + kl).mean().backward()
            optimizer.step()

    def run(epochs: int) -> None:
        for _ in range(epochs):
            epoch()

    return run


def pythae(mnist: str) -> Run:
    """pythae's trainer, whose images are binarised once, before the clock runs."""
    pixels = images(mnist).reshape(IMAGES, 784).astype(np.float32) / 255
    binary = (np.random.default_rng(0).random(pixels.shape) < pixels).astype(np.float32)
    model = pythae_side.model(hidden=(500,), latent_dim=20)
    return lambda epochs: pythae_side.train(model, binary, epochs, BATCH)
