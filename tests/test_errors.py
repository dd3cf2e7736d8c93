"""How an error is told from others by what it says."""

import jax
import pytest

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
