"""PyTorch's side: the ways in which the same networks are run."""

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from benchmarks.gpu.side import MIB, Side, product_error, resident_mib

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class Way:
    """How networks are run.

    Attributes:
      dtype: float32, on a GPU with products in TF32; or bfloat16 by autocast and with the fused Adam.
      channels_last: whether maps and kernels lie channels last.
      compiled: the mode of `torch.compile`, or empty; `reduce-overhead` replays CUDA graphs. The
        compiler chooses a layout of its own, and is confused by images of one pixel in another.
    """

    dtype: str = "float32"
    channels_last: bool = False
    compiled: str = ""

    def __post_init__(self) -> None:
        torch.set_float32_matmul_precision("high")  # TF32, as JAX by itself
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True  # as XLA, which tries algorithms

    @property
    def layout(self) -> torch.memory_format:
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def network(self, module: nn.Module) -> tuple[nn.Module, Callable]:
        """The module on the device, and what is called in its place."""
        module = module.to(DEVICE, memory_format=self.layout)
        if not self.compiled:
            return module, module
        return module, torch.compile(module, mode=self.compiled, dynamic=False)

    def images(self, stored: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        """Examples of `stored: [N, C, H, W]` uint8 as floats in [-1, 1], in this way's layout."""
        real = stored[index].float().div_(127.5).sub_(1)
        return real.contiguous(memory_format=self.layout)

    def adam(self, module: nn.Module, rate: float, b1: float) -> torch.optim.Adam:
        """Adam on a network's parameters."""
        fused = DEVICE == "cuda" and self.dtype != "float32"
        how = {"fused": True} if fused else {}
        return torch.optim.Adam(module.parameters(), lr=rate, betas=(b1, 0.999), **how)

    def begin(self) -> None:
        """A round begins: what a CUDA graph made in the round before may be overwritten."""
        if self.compiled:
            torch.compiler.cudagraph_mark_step_begin()

    def cast(self) -> contextlib.AbstractContextManager:
        """Where networks and losses are called."""
        if self.dtype == "float32":
            return contextlib.nullcontext()
        return torch.autocast(DEVICE, torch.bfloat16)

    def side(self, one_round: Callable[[], None]) -> Side:
        """Rounds one after another, and the facts."""

        def run(rounds: int) -> None:
            for _ in range(rounds):
                one_round()
            if DEVICE == "cuda":
                torch.cuda.synchronize()

        return Side(run, self._facts)

    def _facts(self) -> dict[str, Any]:
        cuda = DEVICE == "cuda"

        def multiply(left, right):
            left, right = (torch.from_numpy(x).to(DEVICE) for x in (left, right))
            with self.cast():
                return (left @ right).float().cpu().numpy()

        peak = torch.cuda.max_memory_allocated() / MIB if cuda else resident_mib()
        return {
            "version": f"torch {torch.__version__}",
            "device": torch.cuda.get_device_name() if cuda else "cpu",
            "dtype": self.dtype,
            "product_error": product_error(multiply),
            "peak_mib": peak,
        }


WAYS: dict[str, Callable[[], Way]] = {
    "torch": Way,
    "torch_channels_last": functools.partial(Way, channels_last=True),
    "torch_bf16": functools.partial(Way, "bfloat16", channels_last=True),
    "torch_compiled": functools.partial(Way, "bfloat16", compiled="default"),
    "torch_graphs": functools.partial(Way, "bfloat16", compiled="reduce-overhead"),
}


def stored_images(images) -> torch.Tensor:
    """`images: [N, H, W, C]` uint8 of NumPy on the device, [N, C, H, W]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(DEVICE)


def move(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    """One step down the gradient."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def drawn_small(*modules: nn.Module) -> None:
    """Weights of all kernels anew, normal with deviation 0.02."""
    for module in modules:
        for parameter in module.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, 0, 0.02)
