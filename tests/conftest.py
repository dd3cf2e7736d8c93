"""Strict JAX for every test: four virtual devices, no silent broadcasting, a cache of programs."""

import os
import time
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


BEGUN = time.monotonic()
KEPT_BYTES = 3 * 2**30


def pytest_addoption(parser):
    parser.addoption(
        "--minutes",
        type=float,
        default=None,
        help="tests not begun by then are skipped",
    )


def pytest_runtest_setup(item):
    minutes = item.config.getoption("minutes")
    if minutes is not None and time.monotonic() - BEGUN > 60 * minutes:
        pytest.skip(f"not begun within {minutes:g} minutes")


def pytest_configure(config):
    """The default run compiles by XLA's older emitters, in half the time; `-m full` as users do."""
    if config.option.markexpr == "not full":
        os.environ["XLA_FLAGS"] += (
            " --xla_backend_extra_options=xla_cpu_disable_new_fusion_emitters"
        )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """A worker takes a whole file, and of the contracts all of a game, whose programs they share."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    # Games one after another, and before all else, since they take longest.
    items.sort(key=lambda item: (not _game(item), _game(item)))


def pytest_runtest_teardown(item, nextitem):
    """What a file or a game compiled goes with it once it is much: two workers would fill the memory."""
    ends = nextitem is None or _group(nextitem) != _group(item)
    if ends and _resident_bytes() > KEPT_BYTES:
        import jax

        jax.clear_caches()


@pytest.fixture
def registries(monkeypatch):
    """What a test registers is gone after it."""
    from genlab.registry import REGISTRIES

    for registry in REGISTRIES.values():
        list(registry)  # or what is found on the way would go too
        monkeypatch.setattr(registry, "_parts", dict(registry._parts))


def _resident_bytes() -> float:
    """What this worker holds of the memory; infinite where a system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float("inf")
    return pages * os.sysconf("SC_PAGE_SIZE")


def _group(item) -> str:
    return f"{item.path.name} {_game(item)}"


def _game(item) -> str:
    """The game that a contract is tried on; empty for any other test."""
    call = getattr(item, "callspec", None)
    return call.params["name"] if item.path.name == "test_contracts.py" and call else ""
