"""A config that is printed is a config file that says the same."""

import pytest
import recipes

from genlab.config import load as configs
from genlab.config import override
from genlab.config.written import meanings, written


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


def test_every_key_has_its_place():
    base = configs.base_config()
    known = meanings((recipes.CONFIGS / "base.py").read_text())
    assert set(base) <= known.keys()
    assert {f"data.{key}" for key in base.data} <= known.keys()
