"""What a run says of itself before it trains and after."""

import json

import numpy as np
import recipes

from genlab import __version__
from genlab.run.course import Course
from genlab.training.meter import losses_between, losses_told
from genlab.training.summary import closing, opening


def test_first_lines_name_what_is_trained(tmp_path):
    course = Course.build(recipes.plain("vae", devices="1"))
    lines = opening(course, tmp_path, 4)
    told = dict(line.split(maxsplit=1) for line in lines if "jaxlib" not in line)
    assert told["version"].startswith(f"genlab {__version__}, jax ")
    assert told["devices"] == "1 x cpu (cpu)"
    assert told["data"].startswith("digits: train 1,372, ")
    assert told["data"].endswith("; example [8, 8, 1]")
    assert told["players"] == "vae 2,294 parameters"
    assert told["folder"] == str(tmp_path)
    assert told["rounds"] == "4 to go of 8, resumed from step 4"
    finished = f"{tmp_path} has done all of its 8 rounds"
    assert opening(course, tmp_path, 8) == [finished]


def test_last_lines_are_a_table_of_results(tmp_path):
    measured = {
        "held_out": {
            "values": {"loss": 22.6761, "share": None},
            "intervals": {"loss": [22.2, 23.25]},
            "protocol": {"split": "test", "examples": 300, "gap": 1 / 3, "many": [1]},
        },
        "posterior": {
            "values": {"kl": 5.0, **{f"kl_{i}": float(i) for i in range(12)}},
            "protocol": {"split": "test"},
        },
    }
    record = {"step": 8, "metrics": measured, "failed": {"frechet": "no network"}}
    (tmp_path / "results.json").write_text(json.dumps(record))
    config = {"stages": [], "train": {"steps": 8}, "eval": {"best": ""}}
    assert closing(tmp_path, config, 75.0).splitlines() == [
        "value                                95 % interval  split  measured with",
        "loss                     22.676      22.2 to 23.25  test   examples=300, gap=0.3333",
        "share                    not finite                 test",
        "posterior/kl             5                          test",
        "posterior/kl_0 to kl_11  0 to 11                    test",
        "frechet failed: no network",
        f"done in 1 min 15 s: {tmp_path}/report.html",
    ]


def test_losses_as_they_are_read():
    means = {"generator/loss": 0.71234, "critic/loss": 1.5, "critic/gradient_norm": 3.0}
    rows = {name: np.array([mean - 1, mean + 1]) for name, mean in means.items()}
    assert losses_told(rows) == "losses generator 0.7123, critic 1.5"
    assert losses_told({"vae/loss": np.array([22.0]), "vae/kl": 3.0}) == "loss 22"
    members = {"vae/loss": np.array([[1.0, 2.0], [3.0, 4.0]])}
    assert losses_between(members) == "loss 1.5 to 3.5"
