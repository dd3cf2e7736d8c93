"""Checkpoints that several processes write: who writes what, and what the first does for one that cannot."""

import itertools
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.process import peers
from genlab.storage import arrays, crew
from genlab.storage.checkpoint import Checkpoints

STATE = {
    "wide": np.arange(4000, dtype=np.float32).reshape(40, 100),
    "narrow": {"bias": np.ones(7, np.float32), "scale": np.full(7, 2.0, np.float32)},
    "step": np.int32(3),
}


def test_every_array_is_dealt_once_and_about_evenly():
    generator = np.random.default_rng(0)
    sizes = generator.integers(1, 1000, 60)
    leaves = {str(i): np.zeros(size, np.float32) for i, size in enumerate(sizes)}
    for count in (1, 2, 7):
        shares = crew.dealt(leaves, count)
        assert sorted(itertools.chain(*shares)) == sorted(leaves)
        taken = [sum(leaves[name].nbytes for name in share) for share in shares]
        assert max(taken) - min(taken) <= 4 * sizes.max()
        assert crew.dealt(dict(reversed(leaves.items())), count) == shares


@pytest.fixture
def two(monkeypatch):
    """Two processes as threads, which speak through a table."""
    said, news, own = {}, threading.Condition(), threading.local()

    def tell(key, text):
        with news:
            assert key not in said
            said[key] = text
            news.notify_all()

    def awaited(key):
        with news:
            assert news.wait_for(lambda: key in said, timeout=20)
            return said[key]

    numbers = {}

    def next_number(what):
        key = (threading.current_thread().name, what)
        numbers[key] = numbers.get(key, 0) + 1
        return numbers[key]

    for name, function in (("tell", tell), ("awaited", awaited)):
        monkeypatch.setattr(peers, name, function)
    monkeypatch.setattr(peers, "next_number", next_number)
    monkeypatch.setattr(peers, "count", lambda: 2)
    monkeypatch.setattr(peers, "index", lambda: getattr(own, "index", 0))

    def other(work):
        def run():
            own.index = 1
            work()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    return other


def saved(folder, two, place=None, times=1, other=STATE):
    """Checkpoints of two processes, the second of which has them at `place`, and another state."""
    checkpoints, asked = Checkpoints(folder), threading.Semaphore(0)
    checkpoints.manner = lambda: crew.Together(asked.release)

    def help():
        for _ in range(times):
            asked.acquire()
            crew.helping(place or folder.absolute(), other)()

    thread = two(help)
    for step in range(1, times + 1):
        checkpoints.save(STATE, step)
    thread.join()
    return checkpoints


def test_each_process_writes_its_part(tmp_path, two):
    checkpoints = saved(tmp_path / "checkpoints", two, times=2)
    assert checkpoints.steps() == [1, 2]
    folder = tmp_path / "checkpoints" / "00000002"
    assert [path.name for path in arrays.parts(folder)] == ["part-1.safetensors"]
    assert 0 < len(arrays.read(folder)) - len(arrays.tensors_in(_part(folder))) < 4
    alone = Checkpoints(tmp_path / "checkpoints").read(2, STATE)
    np.testing.assert_equal(alone, STATE)
    assert arrays.read(folder).keys() == {
        "wide",
        "narrow/bias",
        "narrow/scale",
        "step",
    }


@pytest.mark.parametrize("harm", ["elsewhere", "error"])
def test_the_first_writes_what_another_cannot(tmp_path, two, monkeypatch, harm):
    write, elsewhere = arrays.write_part, tmp_path / "elsewhere"

    def failing(folder, part, leaves):
        if peers.index():
            raise OSError("no route to the disk")
        write(folder, part, leaves)

    if harm == "error":
        monkeypatch.setattr(arrays, "write_part", failing)
    place = elsewhere if harm == "elsewhere" else None
    checkpoints = saved(tmp_path / "checkpoints", two, place)
    np.testing.assert_equal(checkpoints.read(1, STATE), STATE)


def test_what_the_first_has_is_saved_where_another_has_it_otherwise(
    tmp_path, two, caplog
):
    other = jax.tree.map(lambda leaf: leaf + 1, STATE)
    checkpoints = saved(tmp_path / "checkpoints", two, other=other)
    np.testing.assert_equal(checkpoints.read(1, STATE), STATE)
    assert "is another in another process" in caplog.text


@pytest.mark.parametrize("file", ["state/manifest.ocdbt", "part-1.safetensors"])
def test_damage_to_any_part_is_named(tmp_path, two, file):
    checkpoints = saved(tmp_path / "checkpoints", two)
    (tmp_path / "checkpoints" / "00000001" / file).write_bytes(b"?")
    with pytest.raises(InputError, match=f"{file} has changed"):
        checkpoints.read(1, STATE)
    with pytest.raises(InputError, match="every checkpoint .* is damaged"):
        checkpoints.newest()


def test_a_part_that_the_seal_does_not_know_is_refused(tmp_path, two):
    checkpoints = saved(tmp_path / "checkpoints", two)
    folder = tmp_path / "checkpoints" / "00000001"
    (folder / "part-2.safetensors").write_bytes(_part(folder))
    with pytest.raises(InputError, match="part-2.safetensors is no part of it"):
        checkpoints.read(1, STATE)


def test_numbers_that_numpy_lacks_are_written_by_the_first():
    leaves = {"wide": jnp.zeros(9, jnp.bfloat16), "step": np.int32(1)}
    assert crew.dealt(leaves, 2) == [["wide"], ["step"]]


def _part(folder):
    return (folder / "part-1.safetensors").read_bytes()
