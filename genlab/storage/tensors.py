"""Tensors by name in the bytes of a safetensors file, as a stranger may have written it."""

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load


def tensors_in(content: bytes) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file.

    Args:
      content: of the whole file; no more memory is taken than as much again.

    Raises:
      ValueError: what is wrong with it.
    """
    try:
        return load(content)
    except KeyError as error:  # the library says the type and nothing else
        raise ValueError(
            f"it has numbers of type {error.args[0]}, which NumPy lacks; float32 is read"
        ) from None
    except (SafetensorError, ValueError, TypeError, OverflowError) as error:
        raise ValueError(str(error)[:200]) from None
