"""Which jaxlib runs, and the flag that keeps one with wrong sums right.

jaxlib 0.10.2, the last for Python 3.11, hands reductions on a CPU to a library that returns wrong
sums (a product of a matrix and a vector, then a sum, under `vmap`) and crashes on some arrays of
seven dimensions; 0.11.0 crashes likewise by public reports. The flag keeps reductions with XLA.
"""

import importlib.metadata
import os
import sys

from genlab.errors import InputError

WRONG_ON_CPU = ("0.10.2", "0.11.0")
_NAME = "--xla_cpu_experimental_ynn_fusion_type"
_FLAG = f"{_NAME}=-reduce"


def keep_sums_right() -> None:
    """Adds the flag to XLA_FLAGS where this jaxlib needs it and the user has not set it himself.

    XLA reads its flags when a backend starts, so this comes before the first array.

    Raises:
      InputError: JAX has computed already, with a jaxlib that needs the flag.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if jaxlib_version() not in WRONG_ON_CPU or _NAME in flags:
        return
    if _has_started():
        raise InputError(
            f"jaxlib {jaxlib_version()} gives wrong sums on a CPU and JAX has started before genlab"
            f" was imported; import genlab first, or set XLA_FLAGS={_FLAG}"
        )
    os.environ["XLA_FLAGS"] = f"{flags} {_FLAG}".strip()


def describe() -> str:
    """The jaxlib that runs, and whether its sums on a CPU are known to be wrong."""
    version = jaxlib_version()
    if version not in WRONG_ON_CPU:
        return f"jaxlib {version}"
    if _FLAG in os.environ.get("XLA_FLAGS", ""):
        return f"jaxlib {version}, whose sums on a CPU are wrong without {_FLAG}, which is set"
    return (
        f"jaxlib {version}, whose sums on a CPU are known to be wrong; XLA_FLAGS sets {_NAME}"
        " to something else than -reduce"
    )


def jaxlib_version() -> str:
    """The version of the jaxlib that is installed; empty where none is."""
    try:
        return importlib.metadata.version("jaxlib")
    except importlib.metadata.PackageNotFoundError:  # said where JAX is imported
        return ""


def _has_started() -> bool:
    bridge = sys.modules.get("jax._src.xla_bridge")
    return bridge is not None and bridge.backends_are_initialized()
