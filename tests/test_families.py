"""The comparison of families: every row is a recipe that its overrides fit, and its table reads sweeps."""

import pytest

import genlab
from benchmarks import families
from benchmarks.families import table
from benchmarks.families.family import (
    DENSITIES,
    KINDS,
    MIXTURES,
    Family,
    of_images,
    of_methods,
)

ROWS = {
    **{kind: [row.on_points(kind) for row in DENSITIES] for kind in KINDS},
    **{data: of_images(data, "DIR", "") for data in ("digits", "mnist16", "mnist")},
    **{f"methods_{kind}": of_methods(kind) for kind in MIXTURES},
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_rows_are_recipes(rows):
    """Every key and part is there, and no row says less than its name and its metrics."""
    assert len({row.name for row in rows}) == len(rows) > 5
    for row in rows:
        assert row.metrics
        loaded = genlab.load(row.config, dict(row.overrides))
        assert loaded.config["experiment"]["name"]


def test_shorter_trainings_have_shorter_schedules():
    flags = Family("flow", "realnvp:toy").arguments(0.1)
    assert "--config.train.steps=1000" in flags
    assert "--config.optimizer.density.schedule.steps=1000" in flags
    cut = Family("cut", "realnvp:toy", {"train.steps": 500}).arguments(0.1)
    assert "--config.train.steps=50" in cut


def test_table_has_means_of_what_was_measured(tmp_path):
    sweep = tmp_path / "one"
    sweep.mkdir()
    (sweep / "results.csv").write_text(
        "trial,state,seed,log_density/kl,frechet/x,frechet/x_floor,frechet/x_at_floor\n"
        "a,finished,0,1.0,7,2,3\nb,finished,1,3.0,9,2,3\nc,failed,2,,,,\n"
    )
    text = table.of([(Family("one", "vae"), sweep)])
    assert "| 8 (-4.706 to 20.71) |" in text and "| 2 (-10.71 to 14.71) |" in text
    assert "| real examples |  |  |  |  | 2 |" in text
    assert "failed" in text and "floor" not in text


@pytest.mark.parametrize(
    "argv",
    [
        ["densities", "rings"],
        ["samples", "cifar"],
        ["samples", "mnist16"],
        ["samples", "digits", "--seeds=0"],
        ["samples", "digits", "--scale=-1"],
    ],
)
def test_what_does_not_exist_is_named(argv, capsys, tmp_path):
    with pytest.raises(SystemExit) as caught:
        families.main([*argv, f"--out={tmp_path / 'out'}"])
    assert caught.value.code == 2
    assert argv[-1] in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_families_that_fail_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(families.subprocess, "call", lambda *_, **__: 1)
    with pytest.raises(SystemExit, match="failed: kernels, mixture"):
        families.main(["densities", "--only=kernels,mixture", f"--out={tmp_path}"])
