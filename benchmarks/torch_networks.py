"""The networks of the games in PyTorch, with the sizes of genlab's."""

import itertools
from collections.abc import Callable

import torch
from torch import nn

SLOPE = 0.2


def dcgan_generator(width: int) -> nn.Sequential:
    """From a latent [B, 100, 1, 1] to an image of 64 px: 8 w, 4 w, 2 w and w channels."""
    layers, channels = [], [100, *(width * k for k in (8, 4, 2, 1))]
    for i, (before, after) in enumerate(itertools.pairwise(channels)):
        stride, padding = (2, 1) if i else (1, 0)
        layers += [
            nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, nn.ConvTranspose2d(width, 3, 4, 2, 1), nn.Tanh())


def dcgan_discriminator(width: int) -> nn.Sequential:
    """From an image of 64 px to a logit: w, 2 w, 4 w and 8 w channels."""
    layers = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(SLOPE, inplace=True)]
    channels = [width * k for k in (1, 2, 4, 8)]
    for before, after in itertools.pairwise(channels):
        layers += [
            nn.Conv2d(before, after, 4, 2, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.LeakyReLU(SLOPE, inplace=True),
        ]
    return nn.Sequential(*layers, nn.Conv2d(channels[-1], 1, 4))


class Vae(nn.Module):
    """The negative ELBO of a perceptron's, 784-500-20-500-784, of `x: [B, 784]`."""

    def __init__(self, hidden: int = 500, latent: int = 20):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(784, hidden), nn.Tanh(), nn.Linear(hidden, 2 * latent)
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent, hidden), nn.Tanh(), nn.Linear(hidden, 784)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean, log_variance = self.encoder(x).float().chunk(2, dim=1)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        logits = self.decoder(z).float()
        nll = nn.functional.binary_cross_entropy_with_logits(
            logits, x, reduction="none"
        ).sum(1)
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)
        return (nll + kl).mean()


class UNet(nn.Module):
    """genlab's `unet` with batch norm, `depth` layers down and up."""

    def __init__(self, width: int, depth: int):
        super().__init__()
        features = [width * min(2**level, 8) for level in range(depth)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, (before, after) in enumerate(itertools.pairwise([3, *features])):
            layers = [nn.LeakyReLU(SLOPE)] if level else []
            layers.append(nn.Conv2d(before, after, 4, 2, 1, bias=False))
            if level not in (0, depth - 1):
                layers.append(nn.BatchNorm2d(after))
            self.down.append(nn.Sequential(*layers))
        before = features[-1]
        for level in reversed(range(depth - 1)):
            after = features[level]
            up = nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)
            layers = [nn.ReLU(), up, nn.BatchNorm2d(after)]
            if depth - 2 - level < 3:
                layers.append(nn.Dropout(0.5))
            self.up.append(nn.Sequential(*layers))
            before = 2 * after
        self.to_image = nn.Sequential(
            nn.ReLU(), nn.ConvTranspose2d(before, 3, 4, 2, 1), nn.Tanh()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = []
        for down in self.down:
            x = down(x)
            maps.append(x)
        maps.pop()
        for up in self.up:
            x = torch.cat([up(x), maps.pop()], 1)
        return self.to_image(x)


class ResnetGenerator(nn.Module):
    """genlab's `resnet_generator` with instance norm, `blocks` residual blocks at a quarter of the size."""

    def __init__(self, width: int, blocks: int):
        super().__init__()
        wide = 4 * width

        def normed(convolution: nn.Module) -> list[nn.Module]:
            return [convolution, nn.InstanceNorm2d(convolution.out_channels)]

        def mirrored(before: int, after: int, kernel: int) -> nn.Conv2d:
            reach = kernel // 2
            return nn.Conv2d(before, after, kernel, 1, reach, padding_mode="reflect")

        def up(before: int, after: int) -> list[nn.Module]:
            return normed(nn.ConvTranspose2d(before, after, 3, 2, 1, 1))

        self.first = nn.Sequential(
            *normed(mirrored(3, width, 7)),
            nn.ReLU(),
            *normed(nn.Conv2d(width, 2 * width, 3, 2, 1)),
            nn.ReLU(),
            *normed(nn.Conv2d(2 * width, wide, 3, 2, 1)),
            nn.ReLU(),
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(
                *normed(mirrored(wide, wide, 3)),
                nn.ReLU(),
                *normed(mirrored(wide, wide, 3)),
            )
            for _ in range(blocks)
        )
        self.last = nn.Sequential(
            *up(wide, 2 * width),
            nn.ReLU(),
            *up(2 * width, width),
            nn.ReLU(),
            mirrored(width, 3, 7),
            nn.Tanh(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


def patch_discriminator(
    width: int, layers: int, channels: int, norm: Callable = nn.BatchNorm2d
) -> nn.Sequential:
    """genlab's `patch_discriminator`, of images of so many channels."""
    bias = norm is not nn.BatchNorm2d  # as the published networks have it
    made = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(SLOPE, inplace=True)]
    widths = [width * min(2**i, 8) for i in range(layers + 1)]
    for i, (before, after) in enumerate(itertools.pairwise(widths)):
        made += [
            nn.Conv2d(before, after, 4, 2 if i < layers - 1 else 1, 1, bias=bias),
            norm(after),
            nn.LeakyReLU(SLOPE, inplace=True),
        ]
    return nn.Sequential(*made, nn.Conv2d(widths[-1], 1, 4, 1, 1))
