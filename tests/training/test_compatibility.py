"""Parts that cannot stand each other are refused, or warned of, in one line."""

import logging

import pytest
import recipes

from genlab.errors import InputError
from genlab.run.recipe import Recipe
from genlab.training.fit import check_fit

R1 = {"name": "r1", "weight": 1.0}


def check(name, **changes):
    """What a run does before its first round."""
    config = recipes.plain(name)
    for key, value in changes.items():
        section, _, knob = key.partition("__")
        config[section] = {**config[section], knob: value} if knob else value
    built = Recipe.build(config)
    check_fit(built, built.feed())


def test_a_generator_makes_examples_in_the_range_of_the_data():
    told = (
        r"makes examples in \[-1, 1\], and the prepared ones are in \[0, 1\]; set data"
    )
    with pytest.raises(InputError, match=f"model.generator: 'DcganGenerator' {told}"):
        check("dcgan", data__value_range=[0.0, 1.0])


def test_points_may_lie_inside_the_range():
    generator = {"name": "mlp_generator", "hidden": [8], "output_activation": "tanh"}
    config = recipes.plain("gan_ring")
    model = {**config["model"], "generator": generator}
    data = {key: v for key, v in config["data"].items() if key != "name"}
    with pytest.raises(InputError, match=r"'MlpGenerator' makes examples in \[-1, 1\]"):
        check("gan_ring", model=model)
    check("gan_ring", model=model, data={**data, "name": "toy2d", "radius": 0.5})


def test_what_nothing_bounds_is_refused():
    wasserstein = {"name": "wasserstein"}
    told = r"'wasserstein' has no minimum unless .* give the experiment a penalty \(grad.*, r1\)"
    with pytest.raises(InputError, match=told):
        check("dcgan", objective=wasserstein)
    with pytest.raises(InputError, match="'wasserstein'"):
        check("pix2pix", objective=wasserstein)
    check("gan_ring", objective=wasserstein, experiment__penalty=R1)
    check("gan_ring", objective=wasserstein, experiment__penalty=["gradient_penalty"])


def test_batch_normalisation_under_a_penalty_is_warned_of(caplog):
    with caplog.at_level(logging.WARNING, logger="genlab"):
        check("gan_ring", experiment__penalty=R1)
        assert not caplog.records
        check("dcgan", experiment__penalty=R1, data__image_size=16)
    (record,) = caplog.records
    assert "penalty 'r1'" in record.message and "model.discriminator" in record.message
