"""What comes with genlab beside its rooms: the recipes, `configs`, and the families, `experiments`.

In a checkout they lie at its top, beside `launch.py`; in an installed package they lie here. They are
imported as `genlab.shipped.configs` and `genlab.shipped.experiments` in either, so that packages of
one's own may be called `configs` and `experiments`.
"""

from pathlib import Path

_HERE = Path(__file__).parent

HOME = _HERE if (_HERE / "configs").is_dir() else _HERE.parents[1]

__path__ = [str(HOME)]


def install(extra: str = "") -> str:
    """The command that installs what genlab needs, or what one of its extras does."""
    wanted = f"[{extra}]" if extra else ""
    if HOME == _HERE:
        return f"pip install 'genlab{wanted}'"
    return f"pip install -e '{HOME}{wanted}'"
