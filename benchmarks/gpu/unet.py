"""pix2pix with the paper's networks on noise: `size` has batch, side, width, depth, layers, per_call."""

import functools
from typing import Any

import numpy as np

from benchmarks.gpu.side import Side, of_genlab
from genlab.data.dataset import Dataset, array_splits

PAIRS = 64


def pairs(*, image_size: int = 256) -> Dataset:
    """Pairs of images of noise, which cost what any cost."""
    shape = (image_size, image_size, 3)
    generator = np.random.default_rng(0)
    draw = functools.partial(generator.integers, 256, dtype=np.uint8)
    train = {name: draw(size=(PAIRS, *shape)) for name in ("x", "y")}
    held_out = {name: array[:8] for name, array in train.items()}
    parts = {"train": train, "validation": held_out, "test": held_out}
    splits = array_splits(parts, validation_fraction=0.0)
    return Dataset("pairs of noise", splits, shape, target_shape=shape, paired=True)


def genlab(size: dict[str, Any], dtype: str) -> Side:
    """The recipe `pix2pix.py:paper` at this size, without its augmentation."""
    from benchmarks.genlab_side import trainer

    overrides = {
        "data": "benchmarks.gpu.unet:pairs",
        "data.image_size": str(size["side"]),
        "data.augment": "()",
        "model.generator.width": str(size["width"]),
        "model.generator.depth": str(size["depth"]),
        "model.discriminator.width": str(size["width"]),
        "model.discriminator.layers": str(size["layers"]),
        "train.batch_size": str(size["batch"]),
        "dtype": dtype,
    }
    run = trainer("pix2pix.py:paper", overrides, per_call=size["per_call"])
    return of_genlab(run, dtype)


def torch(size: dict[str, Any], way) -> Side:
    """The same round of both players in PyTorch."""
    import torch
    from torch.nn.functional import l1_loss, softplus

    from benchmarks import torch_networks
    from benchmarks.gpu.torch_side import DEVICE, drawn_small, move, stored_images

    arrays = pairs(image_size=size["side"]).splits["train"].arrays
    sources, targets = (stored_images(arrays[name]) for name in ("x", "y"))
    generator = torch_networks.UNet(size["width"], size["depth"])
    discriminator = torch_networks.patch_discriminator(size["width"], size["layers"], 6)
    drawn_small(generator, discriminator)
    generator, make = way.network(generator)
    discriminator, judge = way.network(discriminator)
    of_generator = way.adam(generator, 2e-4, 0.5)
    of_discriminator = way.adam(discriminator, 2e-4, 0.5)

    def one_round() -> None:
        way.begin()
        index = torch.randint(PAIRS, (size["batch"],), device=DEVICE)
        x, y = way.images(sources, index), way.images(targets, index)
        with way.cast():
            fake = make(x)
            loss = softplus(-judge(torch.cat([x, y], 1))).mean()
            loss = loss + softplus(judge(torch.cat([x, fake.detach()], 1))).mean()
        move(of_discriminator, 0.5 * loss)
        discriminator.requires_grad_(False)
        with way.cast():
            loss = softplus(-judge(torch.cat([x, fake], 1))).mean()
            loss = loss + 100 * l1_loss(fake, y)
        move(of_generator, loss)
        discriminator.requires_grad_(True)

    return way.side(one_round)
