"""The MLP-VAE of configs/vae.py:mnist: `size` has batch, images, per_call and mnist, a folder or ""."""

from typing import Any

from benchmarks.gpu.side import Side, of_genlab


def genlab(size: dict[str, Any], dtype: str) -> Side:
    """The recipe, on MNIST or the digits repeated to as many."""
    from benchmarks import vae
    from benchmarks.genlab_side import trainer

    overrides = {
        **vae.data(size["mnist"]),
        "train.batch_size": str(size["batch"]),
        "dtype": dtype,
    }
    run = trainer("vae.py:mnist", overrides, per_call=size["per_call"])
    return of_genlab(run, dtype)


def torch(size: dict[str, Any], way) -> Side:
    """The plain loop, images on the device, shuffled each epoch."""
    import torch

    from benchmarks import vae
    from benchmarks.gpu.torch_side import DEVICE, move
    from benchmarks.torch_networks import Vae

    images = torch.from_numpy(vae.images(size["mnist"])).reshape(-1, 784).to(DEVICE)
    module, loss_of = way.network(Vae())
    optimizer = way.adam(module, 1e-3, 0.9)
    left: list[torch.Tensor] = []

    def one_round() -> None:
        if not left:
            left.extend(torch.randperm(len(images), device=DEVICE).split(size["batch"]))
        way.begin()
        x = torch.bernoulli(images[left.pop()].float() / 255)
        with way.cast():
            loss = loss_of(x)
        move(optimizer, loss)

    return way.side(one_round)
