"""Power over spatial frequencies of images whose spectrum is known."""

import numpy as np

from genlab.distances import spectrum
from genlab.metrics.spectrum import compared


def noise(count=200, side=16):
    return np.random.default_rng(0).normal(0.5, 0.1, (count, side, side))


def test_a_wave_has_its_power_in_its_ring_alone():
    x = 0.5 + 0.25 * np.cos(2 * np.pi * 3 * np.arange(16) / 16)
    images = np.broadcast_to(x[None, None], (2, 16, 16))
    found = spectrum.power(images)
    # Parseval: the sum over frequencies is the sum of the squared pixels.
    np.testing.assert_allclose(found.sum(), np.sum(images[0] ** 2), rtol=1e-5)
    # A cosine of amplitude a has N a^2 / 4 at +3 and at -3 waves.
    np.testing.assert_allclose(found[0, 3], 256 * 0.25**2 / 4, rtol=1e-5)
    rings = spectrum.radial(found)
    assert len(rings) == 8
    assert rings[2] > 1e6 * np.delete(rings, 2).max()


def test_white_noise_is_flat_and_has_no_pattern():
    found = spectrum.power(noise())
    np.testing.assert_allclose(spectrum.radial(found), 0.01, rtol=0.15)
    assert abs(spectrum.pattern(found)) < 0.5
    assert spectrum.pattern(spectrum.power(noise(side=18))) is None


def test_what_repeats_every_two_pixels_is_a_pattern():
    images = noise()
    rows, columns = np.indices((16, 16))
    checkers = images + 0.05 * ((-1.0) ** (rows + columns))[None]
    even = images + 0.05 * ((rows % 4 == 0) & (columns % 4 == 0))[None]
    for made in (checkers, even):
        values = compared(spectrum.power(made), spectrum.power(images))
        assert values["pattern"] > 1
    # 0.05^2 x 256 on 0.01 at one frequency of fifteen: 18 dB / 15.
    np.testing.assert_allclose(
        spectrum.pattern(spectrum.power(checkers))
        - spectrum.pattern(spectrum.power(images)),
        10 * np.log10(1 + 0.0025 * 256 / 0.01) / 15,
        atol=0.1,
    )


def test_twice_the_amplitude_is_six_decibels_further():
    half = spectrum.power(noise())
    values = compared(4 * half, half, "_x")
    np.testing.assert_allclose(values["distance_x"], 10 * np.log10(4))
