"""Programs over devices: where what they are given lies."""

import jax
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.game import program
from genlab.game.parallel import Ballot
from genlab.game.program import Program
from genlab.training.rounds import rounds_of
from genlab.training.train import train


def test_fsdp_holds_a_share_of_the_state_on_each_device_and_trains_the_same(
    monkeypatch,
):
    monkeypatch.setattr(program, "SMALL", 64)
    built = recipes.recipe("gan_ring")
    feed = recipes.feed_of(built)
    rounds, devices = rounds_of(built.experiment, feed), jax.devices()[:4]
    split = Program(rounds, devices, "fsdp", feed.batch_size)
    state = split.place_state(built.shapes(), built.init_state)
    for _ in range(2):  # as it is placed, and as the program returns it
        large = [leaf for leaf in jax.tree.leaves(state) if leaf.size >= 64]
        assert large
        for leaf in large:
            (share,) = {shard.data.size for shard in leaf.addressable_shards}
            assert share * 4 == leaf.size
        resident, seed = split.place(feed.resident), np.uint32(0)
        state, _ = split(state, resident, feed.chunk(0, 2), seed)
    for leaf in jax.tree.leaves(split.own(state)):
        assert leaf.is_fully_replicated
    one = recipes.run_rounds(built, 4, 2)
    four = recipes.run_rounds(built, 4, 2, 4, "fsdp")
    recipes.assert_close(one[0], four[0], 1e-5)


def test_a_run_goes_on_however_its_state_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr(program, "SMALL", 64)
    quiet = dict(eval__every="0", sample__every="0", sample__plots="()")
    for how, steps in (("fsdp", "4"), ("jit", "8")):
        config = recipes.plain("gan_ring", parallel=how, train__steps=steps, **quiet)
        state = train(config, tmp_path / "changing", {})
    one = recipes.plain("gan_ring", devices="1", **quiet)
    whole = train(one, tmp_path / "whole", {})
    recipes.assert_close(jax.device_get(whole), jax.device_get(state), 1e-5)


def test_what_devices_cannot_share_is_refused():
    devices = jax.devices()
    with pytest.raises(InputError, match="batch_size=6 cannot be shared by 4 devices"):
        Program(None, devices, "jit", 6)
    with pytest.raises(InputError, match="did you mean 'pmap'"):
        Program(None, devices, "pmaps", 8)


def test_a_vote_of_a_process_alone_counts_at_once():
    ballot = Ballot()
    assert [ballot.any(vote) for vote in (False, True, False)] == [False, True, False]
