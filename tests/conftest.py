"""Strict JAX for every test: four virtual devices, no silent broadcasting, a cache of programs."""

import os
from pathlib import Path

import pytest

os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"
# Tests compile much and compute little.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".pytest_cache" / "xla"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """A worker takes a whole file, and of the contracts all of a game, whose programs they share."""
    for item in items:
        call = getattr(item, "callspec", None)
        contract = item.path.name == "test_contracts.py" and call
        game = call.params["name"] if contract else ""
        item.add_marker(pytest.mark.xdist_group(f"{item.path.name} {game}"))
