"""Categories matched with classes, and codes that are classes by construction."""

import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.metrics.code_agreement import matching
from genlab.registry import metrics, plots
from genlab.run.recipe import Recipe
from genlab.training.fit import check_fit


def test_the_matching_is_the_best_of_all_by_hand():
    # Greedy takes 6 + 0; the best is 5 + 5.
    category = np.repeat([0, 0, 1, 1], [6, 5, 5, 0])
    label = np.repeat([0, 1, 0, 1], [6, 5, 5, 0])
    np.testing.assert_array_equal(matching(category, label, 2, 2), [1, 0])
    more = matching(np.array([0, 1, 2]), np.array([1, 0, 1]), 3, 2)
    assert sorted(more) == [-1, 0, 1]


@pytest.mark.parametrize(
    ("name", "told"), [("acgan", "tells nothing|discriminator with a head of codes")]
)
def test_a_game_without_codes_has_no_agreement(name, told):
    config = recipes.plain(name)
    config["eval"]["metrics"], config["sample"]["plots"] = ["code_agreement"], []
    built = Recipe.build(config)
    with pytest.raises(InputError, match=told):
        check_fit(built, built.feed())
    config["eval"]["metrics"], config["sample"]["plots"] = [], ["traversals"]
    built = Recipe.build(config)
    with pytest.raises(InputError, match="needs? a game that has codes"):
        check_fit(built, built.feed())


def test_agreement_and_traversals_of_an_untrained_game():
    built = recipes.recipe("infogan")
    trained = built.trained(built.init_state())
    knobs = dict(num=100, num_samples=2, num_train=100, C=(1.0,))
    values = metrics.build("code_agreement", **knobs)(trained, "test").values
    assert values["chance"] == 0.1
    assert 0 <= values["recognized"] <= 1 and 0 <= values["agreement"] <= 1
    picture = plots.build("traversals", rows=2, points=3)(trained)
    # A block of two rows for each of three codes, and two empty rows between; ten columns.
    assert picture.shape == (8 * 10 + 2, 10 * 10 + 2, 3)
    assert trained.call("decode", np.zeros((2, 8 + 12), np.float32)).shape[0] == 2
    with pytest.raises(InputError, match="categorical code 1"):
        metrics.build("code_agreement", code=1)(trained, "test")
