"""DCGAN-64, widths 64-128-256-512 on both sides, batch 64, on the embedded digits as 64 px RGB."""

from collections.abc import Callable

from benchmarks.genlab_side import (
    constant_rounds_of,
    linen_layers,
    single_round_of,
    trainer,
)

Run = Callable[[int], None]

PATH = "dcgan.py:celeba"
BATCH, WIDTH = 64, 64
SIZE = {
    "data": "digits",
    "data.image_size": "64",
    "data.channels": "3",
    "train.batch_size": str(BATCH),
    "optimizer.generator.ema": "None",
    "model.generator.width": str(WIDTH),
    "model.discriminator.width": str(WIDTH),
}


def genlab(mnist: str) -> Run:
    """Two rounds in one compiled call."""
    return trainer(PATH, SIZE, per_call=2)


def constant_batch(mnist: str) -> Run:
    """genlab without feeding: the same batch in every round."""
    return trainer(PATH, SIZE, per_call=2, rounds_of=constant_rounds_of)


def linen(mnist: str) -> Run:
    """genlab's step on flax.linen's convolutions, outside a scan, where they are faster."""
    with linen_layers():
        run = trainer(PATH, SIZE, per_call=1, rounds_of=single_round_of)
        run(1)  # traced while the layers are in place
    return run


def torch(mnist: str) -> Run:
    """PyTorch, eager, its default layout."""
    return _torch(channels_last=False)


def torch_channels_last(mnist: str) -> Run:
    """PyTorch, eager, channels last."""
    return _torch(channels_last=True)


def _torch(channels_last: bool) -> Run:
    import torch
    from torch import nn
    from torch.nn.functional import softplus

    from benchmarks import torch_networks
    from genlab.registry import datasets

    split = datasets.build("digits", image_size=64, channels=3)().splits["train"]
    images = torch.from_numpy(split.arrays["x"]).permute(0, 3, 1, 2).contiguous()
    layout = torch.channels_last if channels_last else torch.contiguous_format
    generator = torch_networks.dcgan_generator(WIDTH).to(memory_format=layout)
    discriminator = torch_networks.dcgan_discriminator(WIDTH).to(memory_format=layout)
    players = (generator, discriminator)
    for player in players:
        for parameter in player.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, 0, 0.02)
    optimizers = [
        torch.optim.Adam(player.parameters(), lr=2e-4, betas=(0.5, 0.999))
        for player in players
    ]

    def round_of_both() -> None:
        index = torch.randint(len(images), (BATCH,))
        real = (
            images[index].float().div_(127.5).sub_(1).contiguous(memory_format=layout)
        )
        fake = generator(torch.randn(BATCH, 100, 1, 1))
        loss = softplus(-discriminator(real)).mean()
        loss = loss + softplus(discriminator(fake.detach())).mean()
        _move(optimizers[1], loss)
        discriminator.requires_grad_(False)
        _move(optimizers[0], softplus(-discriminator(fake)).mean())
        discriminator.requires_grad_(True)

    def run(rounds: int) -> None:
        for _ in range(rounds):
            round_of_both()

    return run


def _move(optimizer, loss) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
