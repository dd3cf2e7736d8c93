"""A config that is printed is a config file that says the same."""

import pytest
import recipes

from genlab.config import load as configs
from genlab.config import override
from genlab.config.keys import accepted
from genlab.config.written import meanings, written
from genlab.errors import InputError
from genlab.registry import models


@pytest.fixture
def again(tmp_path):
    """What a printed config says when it is read."""

    def read(text: str) -> dict:
        (tmp_path / "printed.py").write_text(text)
        return configs.plain(configs.load(f"{tmp_path}/printed.py"))

    return read


def test_every_recipe_survives_being_printed(again):
    for name in recipes.all_configs():
        for path in (name, f"{name}:tiny"):
            config = configs.plain(configs.load(path))
            assert again(written(config, path)) == config, path


def test_printed_config_says_what_keys_mean_and_what_parts_accept(again):
    config = configs.load("vae:tiny")
    override.apply(config, {"init_from": 'a"b\\c', "eval.metrics": "posterior"})
    plain = configs.plain(config)
    text = written(plain, '"odd"\\')
    assert again(text) == plain
    for line in (
        "        steps=8,  # rounds of the game",
        "    # What the parameters take over from the stages before, or from the run of `init_from`.",
        "            # b2=0.999,  # in [0, 1)",
        '        metrics=("posterior",),  # names or parts',
    ):
        assert line in text.splitlines()
    assert "\n        # posterior: num=2000," in text
    assert "\n        # beta=" not in text, "it is set"
    assert text.index("config.experiment") < text.index("config.data")
    writer = {"writers": "tensorboard,mlflow"}
    override.apply(config, {"data.augment": "random_crop", **writer})
    plain = configs.plain(config)
    text = written(plain, "")
    assert again(text) == plain
    assert "\n        # random_crop: padding=4, " in text
    assert "\n    # mlflow: experiment=" in text


@pytest.mark.parametrize("part", [3, {"num": 1}])
def test_item_of_a_list_that_is_no_part_is_refused_in_a_line(part):
    config = recipes.plain("gan_ring")
    config["eval"]["metrics"] = [part]
    with pytest.raises(InputError, match=r"config.eval.metrics holds .*, no part: "):
        written(config, "")
    config["experiment"]["penalty"] = [part]
    with pytest.raises(InputError, match=r"experiment.penalty holds .*, no part: "):
        [*accepted(config)]


@pytest.mark.parametrize("name", recipes.all_configs())
def test_keys_that_a_recipe_takes_can_be_listed(name):
    assert "train.steps" in {*accepted(recipes.plain(name))}


def test_what_the_data_fill_in_is_no_knob_to_set():
    config = configs.plain(configs.load("rbm"))
    assert "example_mean" in models.knobs(config["model"]["machine"]["name"])
    assert "example_mean" not in written(config, "")


def test_every_key_has_its_place():
    base = configs.base_config()
    known = meanings((recipes.CONFIGS / "base.py").read_text())
    assert set(base) <= known.keys()
    assert {f"data.{key}" for key in base.data} <= known.keys()
