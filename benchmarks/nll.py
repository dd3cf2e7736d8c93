"""-log p(x) of test images by 5,000 draws each, of the networks of configs/iwae.py:mnist_vae, untrained."""

from collections.abc import Callable

import numpy as np

from benchmarks import pythae_side
from benchmarks.vae import repeated_digits
from genlab.config import files, override
from genlab.config import load as configs
from genlab.metrics.importance_nll import importance_nll
from genlab.registry import datasets
from genlab.run.recipe import Recipe

Run = Callable[[int], None]

SAMPLES = 5000


def genlab(mnist: str) -> Run:
    """The metric, with its curve and its errors."""
    config = configs.load(str(files.CONFIGS / "iwae.py:mnist_vae"))
    data = {"data": "benchmarks.vae:repeated_digits"}
    if mnist:
        data = {"data.data_dir": mnist}
    for key, text in data.items():
        override.override(config, key, text)
    recipe = Recipe.build(configs.plain(config))
    trained = recipe.trained(recipe.init_state())

    def run(images: int) -> None:
        importance_nll(trained, "test", num=images, samples=SAMPLES)

    return run


def torch(mnist: str) -> Run:
    """A plain PyTorch loop over images: an image is encoded once and its draws decoded 1,000 at a time."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

    images, encoder, decoder = _torch_side(mnist)
    at_once = 1000

    def weights(x, draws: int):
        mean, log_variance = encoder(x[None]).chunk(2, dim=1)
        noise = torch.randn(draws, mean.shape[1])
        z = mean + torch.exp(0.5 * log_variance) * noise
        many = x.expand(draws, -1)
        likelihood = -cross_entropy(decoder(z), many, reduction="none").sum(1)
        return likelihood + 0.5 * (noise**2 + log_variance - z**2).sum(1)

    @torch.inference_mode()
    def run(count: int) -> None:
        total = 0.0
        for index in range(count):
            x = torch.bernoulli(images[index % len(images)])
            parts = [weights(x, at_once) for _ in range(SAMPLES // at_once)]
            total += torch.logsumexp(torch.cat(parts), 0).item() - np.log(SAMPLES)

    return run


def pythae(mnist: str) -> Run:
    """pythae's `VAE.get_nll`: image by image, each repeated 100 times before it is encoded."""
    import torch

    images, _, _ = _torch_side(mnist)
    model = pythae_side.model(hidden=(200, 200), latent_dim=50).eval()

    @torch.no_grad()
    def run(count: int) -> None:
        rows = torch.bernoulli(images[torch.arange(count) % len(images)])
        model.get_nll(rows.reshape(-1, *pythae_side.IMAGE), n_samples=SAMPLES)

    return run


def _torch_side(mnist: str):
    """Images, [N, 784] in [0, 1], and the two networks."""
    import torch

    if mnist:
        source = datasets.build("tfds:mnist", data_dir=mnist)()
    else:
        source = repeated_digits()
    x = source.splits["test"].gather(np.arange(256))["x"]
    images = torch.from_numpy(x.reshape(len(x), 784)).float() / 255

    perceptron = pythae_side.perceptron
    return images, perceptron(784, 200, 200, 100), perceptron(50, 200, 200, 784)
