"""Spaces and trials: what the command line and config files may not say."""

import pytest
import recipes

from genlab.errors import InputError
from genlab.sweep import space
from genlab.sweep.trial import named_sweep, resolve

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
    with pytest.raises(InputError, match=rf"seed={seed} is outside \[0, 2\*\*32\)"):
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
    ],
)
def test_a_sweep_that_fails_is_one_line(body, message, tmp_path):
    path = tmp_path / "sweeps.py"
    path.write_text(
        "from genlab.sweep.space import Choice\n"
        "def get_config(variant=''): return None\n"
        f"def sweep_all(): {body}\n"
    )
    with pytest.raises(InputError, match=message) as refused:
        named_sweep(str(path), "all")
    assert "\n" not in str(refused.value)
