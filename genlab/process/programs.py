"""Compiled programs: kept from one process to the next, and what compiling them takes, given back."""

import ctypes
import functools
import os
import tempfile
from pathlib import Path

import jax

COMPILED = "/jax/core/compile/backend_compile_duration"
LONG = 1.0  # seconds; a program that took less leaves little behind


def keep_programs() -> None:
    """The persistent compilation cache, where the user has not placed it and it can be written."""
    if jax.config.jax_compilation_cache_dir:
        return
    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        cache = Path(home) / "genlab" / "xla"
        cache.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=cache).close()
    except (OSError, RuntimeError):  # RuntimeError: nobody knows where home is
        return
    jax.config.update("jax_compilation_cache_dir", str(cache))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


@functools.cache
def give_memory_back() -> None:
    """From now on a compiler's memory goes back to the system before the program that it made runs.

    XLA frees it, some hundred MiB for a step of large networks on a CPU, but glibc keeps what is freed, so that
    it would count beside all that the program needs. Where there is no glibc, nothing changes.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, TypeError, AttributeError):  # no library of C, or another one
        return

    def compiled(event: str, seconds: float, **_) -> None:
        if event == COMPILED and seconds > LONG:
            trim(0)

    jax.monitoring.register_event_duration_secs_listener(compiled)
