"""CycleGAN with the paper's networks on noise: `size` has batch, side, width, blocks, layers, per_call."""

from typing import Any

from benchmarks.gpu.side import Side, of_genlab
from benchmarks.gpu.unet import PAIRS, pairs

POOL = 50


def genlab(size: dict[str, Any], dtype: str) -> Side:
    """The recipe `cyclegan.py:horse2zebra` at this size, without its augmentation."""
    from benchmarks.genlab_side import trainer

    overrides = {
        "data": "benchmarks.gpu.unet:pairs",
        "data.image_size": str(size["side"]),
        "data.augment": "()",
        "train.batch_size": str(size["batch"]),
        "dtype": dtype,
    }
    for domain in ("x", "y"):
        overrides |= {
            f"model.generator_{domain}.width": str(size["width"]),
            f"model.generator_{domain}.blocks": str(size["blocks"]),
            f"model.discriminator_{domain}.width": str(size["width"]),
            f"model.discriminator_{domain}.layers": str(size["layers"]),
        }
    run = trainer("cyclegan.py:horse2zebra", overrides, per_call=size["per_call"])
    return of_genlab(run, dtype)


def torch(size: dict[str, Any], way) -> Side:
    """The same round of both players in PyTorch; a generator's name is the domain that it makes."""
    import torch
    from torch import nn
    from torch.nn.functional import l1_loss

    from benchmarks import torch_networks
    from benchmarks.gpu.torch_side import DEVICE, drawn_small, move, stored_images

    arrays = pairs(image_size=size["side"]).splits["train"].arrays
    stored = {domain: stored_images(arrays[domain]) for domain in ("x", "y")}
    generators, judges = nn.ModuleDict(), nn.ModuleDict()
    make, judge, pool = {}, {}, {}
    for domain in ("x", "y"):
        generator = torch_networks.ResnetGenerator(size["width"], size["blocks"])
        discriminator = torch_networks.patch_discriminator(
            size["width"], size["layers"], 3, nn.InstanceNorm2d
        )
        drawn_small(generator, discriminator)
        generators[domain], make[domain] = way.network(generator)
        judges[domain], judge[domain] = way.network(discriminator)
        shape = (POOL, *stored[domain].shape[1:])
        pool[domain] = torch.zeros(shape, device=DEVICE)
    of_generators = way.adam(generators, 2e-4, 0.5)
    of_judges = way.adam(judges, 2e-4, 0.5)

    def pooled(domain: str, fake: torch.Tensor) -> torch.Tensor:
        index = torch.randint(POOL, (size["batch"],), device=DEVICE)
        swapped = torch.rand(size["batch"], 1, 1, 1, device=DEVICE) < 0.5
        earlier = pool[domain][index]
        pool[domain][index] = torch.where(swapped, fake.float(), earlier)
        return torch.where(swapped, earlier, fake.float())

    def squared(logits: torch.Tensor, target: float) -> torch.Tensor:
        return torch.mean((logits.float() - target) ** 2)

    def one_round() -> None:
        way.begin()
        index = torch.randint(PAIRS, (2, size["batch"]), device=DEVICE)
        real = {d: way.images(stored[d], i) for d, i in zip(("x", "y"), index)}
        other = {"x": real["y"], "y": real["x"]}
        with way.cast():
            fake = {d: make[d](other[d]) for d in ("x", "y")}
            loss = 0.0
            for d in ("x", "y"):
                old = pooled(d, fake[d].detach())
                loss = loss + 0.5 * squared(judge[d](real[d]), 1)
                loss = loss + 0.5 * squared(judge[d](old), 0)
        move(of_judges, loss)
        judges.requires_grad_(False)
        with way.cast():
            back = {"x": make["x"](fake["y"]), "y": make["y"](fake["x"])}
            loss = sum(
                squared(judge[d](fake[d]), 1) + 10 * l1_loss(back[d], real[d])
                for d in ("x", "y")
            )
        move(of_generators, loss)
        judges.requires_grad_(True)

    return way.side(one_round)
