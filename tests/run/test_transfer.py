"""Encoders that start from other runs: what fits is taken, what differs is told, what is frozen stays."""

import logging

import jax
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.run import course, start
from genlab.run.course import Course
from genlab.run.start import copy, differences, matching
from genlab.training.train import train


def tree(kernel=(3, 4), head=(4, 2)):
    return {
        "p": {
            "e": {
                "conv": {"kernel": np.ones(kernel)},
                "head": {"kernel": np.ones(head), "bias": np.ones(head[1:])},
            }
        }
    }


PARTS = {"p/e": "init/p/e"}


def test_matching_takes_what_agrees_and_tells_what_differs(caplog):
    fresh = jax.tree.map(np.zeros_like, tree(head=(4, 5)))
    statistics = {"batch_stats": {"e": {"conv": {"mean": np.zeros(4)}}}}
    trained = jax.tree.map(lambda leaf: leaf + 7, statistics)
    start._tell.cache_clear()
    with caplog.at_level(logging.INFO, "genlab"):
        params, extra = matching(
            fresh, statistics, {"init": (tree(), trained)}, parts=PARTS
        )
    assert params["p"]["e"]["conv"]["kernel"].sum() == 12
    assert params["p"]["e"]["head"]["kernel"].sum() == 0
    assert extra["batch_stats"]["e"]["conv"]["mean"].tolist() == [7] * 4
    (record,) = caplog.records
    assert record.getMessage() == (
        "start 'matching': p/e takes 1 parameters of init/p/e; fresh: head/bias is [5] here, [2]"
        " there; head/kernel is [4, 5] here, [4, 2] there"
    )


def test_weights_that_do_not_match_are_refused_with_what_differs():
    sources = {"init": (tree(kernel=(3, 9)), {})}
    told = r"'init/p/e' does not fit: conv/kernel is \[3, 4\] here, \[3, 9\] there$"
    with pytest.raises(InputError, match=told):
        copy(tree(), {}, sources, parts=PARTS)
    strange = {"init": ({"p": {"e": {"other": np.zeros(3)}}}, {})}
    with pytest.raises(InputError, match="no parameter of 'init/p/e' fits .*only here"):
        matching(tree(), {}, strange, parts=PARTS)


def test_a_start_names_itself_in_what_it_refuses():
    sources = {"init": (tree(), {})}
    for take in (copy, matching):
        for target, path in {"p/f": "init/p/e", "p/e": "init/q", "p": "it/p"}.items():
            with pytest.raises(
                InputError, match=f"^start '{take.__name__}': no '?[fqs]"
            ):
                take(tree(), {}, sources, parts={target: path})


def test_what_a_start_leaves_fresh_is_told_of_every_run(caplog, monkeypatch):
    monkeypatch.setattr(course, "stages_of", lambda config: [])
    with caplog.at_level(logging.INFO, "genlab"):
        for _ in range(2):
            Course.build({"init_from": "", "seed": 0})
            start._tell("the same")
            start._tell("the same")
    assert len([r for r in caplog.records if "the same" in r.getMessage()]) == 2


def test_a_long_list_of_differences_is_cut():
    here = {f"layer_{index}": (index,) for index in range(9)}
    assert differences(here, {}).endswith("layer_5 [5] is only here; 3 more")
    assert differences(here, here) == ""


def _plain(variant, **changes):
    plain = recipes.plain("transfer", variant, devices="1", **changes)
    return plain


@pytest.mark.full
def test_an_encoder_of_other_images_is_refused_whole_and_taken_in_part():
    config = _plain("tiny")
    config["model"]["classifier"]["network"]["channels"] = [4, 4]
    with pytest.raises(InputError, match="conv_1/bias .* is only here"):
        Course.build(config)
    config["start"]["name"] = "matching"
    Course.build(config)


@pytest.mark.full
def test_frozen_encoder_is_the_trained_one_and_stays(tmp_path):
    config = _plain("tiny")
    encoder = config["model"]["classifier"]["network"]
    linear = {"name": "dense_classifier", "widths": []}
    config["model"] = {"features": encoder, "classifier": linear}
    source = "autoencoder/autoencoder/encoder"
    config["start"]["parts"] = {"frozen/features": source}
    state = jax.device_get(train(config, tmp_path / "run", {}))
    course = Course.build(config)
    from genlab.storage.checkpoint import Checkpoints

    before = Checkpoints(tmp_path / "run" / "checkpoints").read(
        4, course.at(4).shapes()
    )
    recipes.assert_identical(
        state.params["frozen"]["features"],
        jax.device_get(before.params["autoencoder"]["encoder"]),
    )
