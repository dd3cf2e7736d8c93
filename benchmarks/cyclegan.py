"""CycleGAN with six residual blocks, 128 px, batch 1, on images of noise."""

from benchmarks.gpu import cyclegan
from benchmarks.gpu.side import Side

SIZE = dict(batch=1, side=128, width=32, blocks=6, layers=3, per_call=2)


def genlab(mnist: str) -> Side:
    """Two rounds in one compiled call."""
    return cyclegan.genlab(SIZE, "float32")


def torch(mnist: str) -> Side:
    """PyTorch, eager, its default layout."""
    return _torch("torch")


def torch_channels_last(mnist: str) -> Side:
    """PyTorch, eager, channels last."""
    return _torch("torch_channels_last")


def _torch(way: str) -> Side:
    from benchmarks.gpu.torch_side import WAYS

    return cyclegan.torch(SIZE, WAYS[way]())
