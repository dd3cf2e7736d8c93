"""Compiled programs, kept from one process to the next."""

import os
import tempfile
from pathlib import Path

import jax


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
