"""Registration, discovery, and what a wrong name or knob is answered with."""

import dataclasses
import importlib

import flax.linen as nn
import numpy as np
import pytest
from ml_collections import ConfigDict

from genlab.config.override import _kinds
from genlab.errors import InputError
from genlab.registry import REQUIRED, Registry, experiments, models, objectives


@pytest.fixture
def registry():
    return Registry(
        "thing", "genlab.metrics.measurement"
    )  # a module that registers nothing


def test_knobs_of_a_function_are_its_keyword_only_parameters(registry):
    @registry.register
    def part(x, y, *, weight: float = 2.0, needed: int):
        return weight * x + y + needed

    assert registry.knobs("part") == {"weight": 2.0, "needed": REQUIRED}
    assert registry.build("part", weight=3.0, needed=1)(10.0, 5.0) == 36.0


def test_knobs_of_classes_are_their_fields(registry):
    @registry.register
    class WideNet(nn.Module):
        width: int = 3

    @registry.register
    @dataclasses.dataclass(frozen=True)
    class Game:
        parts: dict
        weight: float = dataclasses.field(default=1.0, kw_only=True)

    assert registry.knobs("wide_net") == {"width": 3}
    assert registry.knobs("game") == {"weight": 1.0}
    assert registry.build("game", {}, weight=2.0) == Game({}, weight=2.0)


def test_duplicate_is_refused(registry):
    registry.register(lambda: 1, name="part")
    with pytest.raises(InputError, match="'part' is already registered"):
        registry.register(lambda: 2, name="part")


def test_family_under_its_checkouts_name_is_the_same_family():
    gan = experiments.find("gan")
    again = importlib.import_module("experiments.gan").Gan
    assert again is not gan and experiments.find("gan") is gan
    assert gan.__module__ == "genlab.shipped.experiments.gan"


def test_unknown_name_suggests_close_ones():
    with pytest.raises(InputError, match="did you mean 'minimax'"):
        objectives.find("minmax")


def test_unknown_knob_names_the_accepted_ones(registry):
    registry.register(lambda *, weight=1.0: weight, name="part")
    with pytest.raises(InputError, match="has no knob 'wieght'; did you mean 'weight'"):
        registry.build("part", wieght=2.0)
    with pytest.raises(InputError, match="has no knob 'zzz'; it accepts weight"):
        registry.build("part", zzz=2.0)


def test_missing_knob_is_named(registry):
    registry.register(lambda *, needed: needed, name="part")
    with pytest.raises(InputError, match="'part' needs the knob 'needed'"):
        registry.build("part")


def test_argument_after_a_colon_goes_first():
    registry = Registry("thing", "genlab.metrics.measurement", arguments=True)
    registry.register(lambda path, *, size=1: (path, size), name="folder")
    assert registry.build("folder:/a:b", size=2)() == ("/a:b", 2)


def test_part_outside_the_repository(tmp_path, monkeypatch):
    (tmp_path / "outside_parts.py").write_text(
        "def mine(x, *, power=2):\n    return x**power\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert objectives.build("outside_parts:mine", power=3)(np.float32(2)) == 8
    with pytest.raises(InputError, match="has no attribute 'other'"):
        objectives.find("outside_parts:other")
    with pytest.raises(InputError, match="no module 'nowhere'"):
        objectives.find("nowhere.at_all:thing")
    (tmp_path / "outside_broken.py").write_text("def (")
    with pytest.raises(InputError, match="cannot be imported .SyntaxError"):
        objectives.find("outside_broken:part")
    with pytest.raises(InputError, match="neither a function nor a class"):
        objectives.find("numpy:pi")
    with pytest.raises(InputError, match="'minimax' takes no argument"):
        objectives.find("minimax:junk")


def test_annotations_that_are_no_types(registry):
    @registry.register
    def shaped(x: "B H W C", *, size: "a number" = 1):
        return x

    assert registry.annotations("shaped") == {}
    assert registry.build("shaped", size=2)(3) == 3
    assert not _kinds(registry, ConfigDict({"name": "shaped"}), "size")


def test_discovery_walks_the_room():
    assert {"mlp_encoder", "dcgan_generator"} <= set(models)
