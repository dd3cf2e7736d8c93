"""A working folder as users have it: parts of their own, beside folders named like genlab's."""

import sys

_CONFIG = """
from genlab.shipped.configs import gan_ring

def get_config(variant=""):
    config = gan_ring.get_config("tiny")
    config.objective = dict(name="beside:loss")
    config.sample.plots = config.eval.metrics = ()
    return config
"""


def make(folder):
    """Makes the folder with `config.py` and `beside.py`, which it needs; genlab is not to see more."""
    for name in ("genlab", "experiments", "configs", "json"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise SystemExit('a decoy')\n")
    (folder / "config.py").write_text(_CONFIG)
    sys.modules.pop("beside", None)  # of another test
    taken = "from genlab.objectives.adversarial import non_saturating as loss\n"
    (folder / "beside.py").write_text(taken)
    return folder


def make_apart(folder, home):
    """The same, with `config.py` and `beside.py` in another folder, `home`."""
    make(folder)
    home.mkdir()
    for name in ("config.py", "beside.py"):
        (folder / name).rename(home / name)
    return folder
