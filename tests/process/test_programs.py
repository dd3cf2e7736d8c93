"""Memory that compiling took goes back, told by the event that JAX sends."""

import ctypes

import jax
import jax.numpy as jnp
import pytest

from genlab.process.programs import COMPILED, give_memory_back

BLOCK, BLOCKS = 2**16, 3000  # small enough that glibc keeps them, 188 MiB together


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.fixture
def libc():
    library = ctypes.CDLL(None)
    if not hasattr(library, "malloc_trim"):
        pytest.skip("no glibc")
    library.malloc.restype = ctypes.c_void_p
    library.free.argtypes = [ctypes.c_void_p]
    return library


def test_what_a_long_compilation_freed_goes_back_to_the_system(libc):
    give_memory_back()
    blocks = [libc.malloc(BLOCK) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, BLOCK)
    for block in blocks[:-1]:  # the last holds the heap up
        libc.free(block)
    kept = _resident()
    jax.monitoring.record_event_duration_secs(COMPILED, 0.01)
    assert _resident() > kept - 2**20, "a short one is not worth it"
    jax.monitoring.record_event_duration_secs(COMPILED, 100.0)
    assert _resident() < kept - BLOCK * BLOCKS / 2
    libc.free(blocks[-1])


def test_jax_tells_of_its_compilations_by_this_name():
    told = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **_: told.append(event)
    )
    jax.jit(lambda x: x * 3 + 1).lower(jnp.ones(7)).compile()
    assert COMPILED in told
