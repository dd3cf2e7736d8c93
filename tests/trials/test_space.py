"""Spaces and trials: what the command line and config files may not say."""

from pathlib import Path

import numpy as np
import pytest
import recipes
from ml_collections import FieldReference

from genlab.errors import InputError
from genlab.trials import space
from genlab.trials.space import Choice, Integers, Uniform
from genlab.trials.trial import named_sweep, resolve

VAE = str(recipes.CONFIGS / "vae.py:tiny")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=1;a=2", "--grid has 'a' twice; give a=VALUE,VALUE once"),
        ("a.b=1; a__b=2", "--grid has 'a__b' twice"),
        (";", "--grid=';' has no KEY=VALUE,VALUE"),
        (" ", "--grid=' ' has no KEY=VALUE,VALUE"),
    ],
)
def test_a_grid_that_would_drop_something_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        space.parse_grid(text)


def test_a_key_of_the_command_and_of_the_sweep_is_refused():
    with pytest.raises(
        InputError, match=r"--config\.seed=7 and the sweep, seed=0, set the same key"
    ):
        resolve(VAE, {"seed": "7"}, space.seeds(2))


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_the_seed_of_every_trial_is_checked(seed):
    with pytest.raises(InputError, match=rf"seed={seed} is not a whole number"):
        resolve(VAE, {}, space.grid(seed=(0, seed)))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return 1 / 0", r"sweep_all\(\) of .*sweeps.py fails \(ZeroDivisionError"),
        ("yield {}[0]", r"sweep_all\(\) of .* fails \(KeyError: 0\)"),
        ("return None", r"sweep_all\(\) of .* fails \(TypeError: 'NoneType'"),
        ("return Choice(())", "fails .*Choice of no values"),
        ("return {'seed': (0, 1)}", r"'seed' is \(0, 1\); a space has Choice, Int"),
        ("return ['seed']", "'seed' is no dict of overrides"),
        ("return [{1: 2}]", "1 is no key, such as 'seed'"),
        ("return Choice({1, 2})", r"fails .*\{1, 2\} is a set, not values in an order"),
        (
            "return Uniform(0, float('inf'))",
            "fails .*has no end; give it finite numbers",
        ),
        ("return Uniform('a', 1)", "fails .*is between no numbers"),
        ("return Integers(0.5, 2)", "fails .*is between no whole numbers"),
        ("return Integers(0, 2**70)", "fails .*leaves what 64 bits hold"),
    ],
)
def test_a_sweep_that_fails_is_one_line(body, message, tmp_path):
    path = tmp_path / "sweeps.py"
    path.write_text(
        "from genlab.trials.space import Choice, Integers, Uniform\n"
        "def get_config(variant=''): return None\n"
        f"def sweep_all(): {body}\n"
    )
    with pytest.raises(InputError, match=message) as refused:
        named_sweep(str(path), "all")
    assert "\n" not in str(refused.value)


def test_a_small_space_is_drawn_without_repetition_until_it_is_exhausted():
    there = {"seed": Integers(1, 3), "b": Choice(("x", "x", "y")), "c": Uniform(2, 2)}
    drawn = space.draw(there, 6)
    assert len({str(point) for point in drawn}) == space.size(there) == 6
    assert all(space.draw(there, count) == drawn[:count] for count in range(1, 7))
    with pytest.raises(InputError, match="7 trials are more than the 6 points of the"):
        space.draw(there, 7)
    assert len(space.draw({**there, "c": Uniform(2, 3)}, 40)) == 40
    # Not a digit outside, also where the logarithm rounds.
    rates = [point["a"] for point in space.draw({"a": Uniform(1e-3, 1e-3, True)}, 1)]
    assert rates == [1e-3]


@pytest.mark.parametrize(
    ("values", "taken"),
    [
        ("minimax", ["minimax"]),
        (Path("a/b"), ["a/b"]),
        (0.5, [0.5]),
        (np.float32(0.5), [0.5]),
        (np.arange(3), [0, 1, 2]),
        (np.array(2), [2]),
        (np.array([[1, 2], [3, 4]]), [(1, 2), (3, 4)]),
        ((np.float64(1e-3), np.bool_(True)), [1e-3, True]),
        ([[np.int64(8)], (8, 8)], [(8,), (8, 8)]),
        (FieldReference(3), [3]),
        ((FieldReference(3), None), [3, None]),
        (range(2), [0, 1]),
        ((number for number in (3, 4)), [3, 4]),
    ],
)
def test_values_of_a_grid_are_plain_and_a_text_is_one(values, taken):
    rows = space.grid(objective__beta=values)
    assert [row["objective.beta"] for row in rows] == taken
    kinds = [type(row["objective.beta"]) for row in rows]
    assert kinds == [type(value) for value in taken]
    assert list(Choice([*taken, *taken]).values) == [*taken, *taken]


@pytest.mark.parametrize(
    "value", [b"x", 1j, {1, 2}, float("nan"), ..., object(), "a\0b", np.array([1j])]
)
def test_a_value_that_no_override_says_is_named(value):
    for make in (
        lambda: resolve(VAE, {}, [{"objective.beta": value}]),
        lambda: space.grid(objective__beta=(1.0, value)),
        lambda: Choice((1.0, value)),
    ):
        with pytest.raises(InputError, match="which no|zero byte") as refused:
            make()
        assert "\n" not in str(refused.value)


def test_trials_of_numpy_values_are_those_of_plain_ones():
    arrays = {"objective.beta": np.float64(0.5), "seed": np.int64(3)}
    layers = {"model.encoder.hidden": np.array([8, 8])}
    (one,) = resolve(VAE, {}, [{**arrays, **layers}])
    same = {"objective.beta": 0.5, "seed": 3, "model.encoder.hidden": (8, 8)}
    (other,) = resolve(VAE, {}, [same])
    assert one == other
    assert "np." not in str(one.command(VAE, {}, Path("out"))[4:])
