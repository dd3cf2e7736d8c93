"""DCGAN-64 on the embedded digits as 64 px RGB: `size` has batch, width, per_call."""

from typing import Any

from benchmarks.dcgan import PATH, SIZE
from benchmarks.gpu.side import Side, of_genlab


def genlab(size: dict[str, Any], dtype: str) -> Side:
    """The recipe `dcgan.py:celeba` at this size."""
    from benchmarks.genlab_side import trainer

    overrides = SIZE | {
        "train.batch_size": str(size["batch"]),
        "model.generator.width": str(size["width"]),
        "model.discriminator.width": str(size["width"]),
        "dtype": dtype,
    }
    return of_genlab(trainer(PATH, overrides, per_call=size["per_call"]), dtype)


def torch(size: dict[str, Any], way) -> Side:
    """The same round of both players in PyTorch; both losses share the generator's forward pass."""
    import torch
    from torch.nn.functional import softplus

    from benchmarks import torch_networks
    from benchmarks.gpu.torch_side import DEVICE, drawn_small, move, stored_images
    from genlab.registry import datasets

    split = datasets.build("digits", image_size=64, channels=3)().splits["train"]
    images = stored_images(split.arrays["x"])
    generator = torch_networks.dcgan_generator(size["width"])
    discriminator = torch_networks.dcgan_discriminator(size["width"])
    drawn_small(generator, discriminator)
    generator, make = way.network(generator)
    discriminator, judge = way.network(discriminator)
    of_generator = way.adam(generator, 2e-4, 0.5)
    of_discriminator = way.adam(discriminator, 2e-4, 0.5)

    def one_round() -> None:
        way.begin()
        index = torch.randint(len(images), (size["batch"],), device=DEVICE)
        real = way.images(images, index)
        z = torch.randn(size["batch"], 100, 1, 1, device=DEVICE)
        with way.cast():
            fake = make(z)
            loss = softplus(-judge(real)).mean()
            loss = loss + softplus(judge(fake.detach())).mean()
        move(of_discriminator, loss)
        discriminator.requires_grad_(False)
        with way.cast():
            loss = softplus(-judge(fake)).mean()
        move(of_generator, loss)
        discriminator.requires_grad_(True)

    return way.side(one_round)
