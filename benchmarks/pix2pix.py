"""pix2pix with a U-Net of seven layers and patches, 128 px, batch 4, on pairs of noise."""

from benchmarks.gpu import unet
from benchmarks.gpu.side import Side

SIZE = dict(batch=4, side=128, width=32, depth=7, layers=3, per_call=2)


def genlab(mnist: str) -> Side:
    """Two rounds in one compiled call."""
    return unet.genlab(SIZE, "float32")


def torch(mnist: str) -> Side:
    """PyTorch, eager, its default layout."""
    return _torch("torch")


def torch_channels_last(mnist: str) -> Side:
    """PyTorch, eager, channels last."""
    return _torch("torch_channels_last")


def _torch(way: str) -> Side:
    from benchmarks.gpu.torch_side import WAYS

    return unet.torch(SIZE, WAYS[way]())
