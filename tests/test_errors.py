"""How an error is told from others by what it says."""

import jax
import pytest

from genlab import blame
from genlab.blame import blaming
from genlab.errors import InputError, is_of_devices


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (jax.errors.JaxRuntimeError("INTERNAL: device lost"), True),
        (ValueError("UNKNOWN: Gloo all-reduce failed: Connection closed"), True),
        (ValueError("UNKNOWN words"), False),
        (ValueError("x: a shape that does not fit"), False),
        (InputError("INTERNAL: a value"), False),
        (TypeError("UNKNOWN: not a status"), False),
    ],
)
def test_an_error_of_devices_is_told_from_one_of_code(error, expected):
    assert is_of_devices(error) == expected


def test_an_error_in_the_users_own_code_is_told_with_its_place(tmp_path, monkeypatch):
    (tmp_path / "slips.py").write_text("def slip(x):\n    return x + unknown\n")
    monkeypatch.syspath_prepend(tmp_path)
    import slips

    told = r"^slips.py:2, in slip: NameError: name 'unknown' is not defined$"
    with pytest.raises(InputError, match=told), blaming("parts do not fit", alone=True):
        jax.jit(slips.slip)(1.0)
    (tmp_path / "forks.py").write_text("def fork(x):\n    return 1 if x > 0 else x\n")
    import forks

    told = r"forks.py:2, .*jnp.where can$"
    with pytest.raises(InputError, match=told), blaming("parts do not fit", alone=True):
        jax.jit(forks.fork)(1.0)
    told = r"^data are broken \(NameError: .*, at slips.py:2, in slip\); --verbose"
    with pytest.raises(InputError, match=told), blaming("data are broken"):
        slips.slip(1.0)
    home = tmp_path / "genlab_of_mine"  # is not genlab
    monkeypatch.setattr(blame, "_LIBRARIES", (tmp_path / "genlab",))
    home.mkdir()
    (home / "falls.py").write_text("def fall(x):\n    return x[0]\n")
    monkeypatch.syspath_prepend(home)
    import falls

    told = r"^falls.py:2, in fall: TypeError"
    with pytest.raises(InputError, match=told), blaming("parts", alone=True):
        falls.fall(1.0)
