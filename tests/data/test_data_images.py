"""Decoding and resizing, and what a damaged or oversized image is answered with."""

import io
import struct
import zlib

import numpy as np
import pytest

from genlab.data import images
from genlab.errors import InputError

Image = pytest.importorskip("PIL.Image")


def png(array) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(array, np.uint8)).save(file, "png")
    return file.getvalue()


def png_of(width, height, bits, kind, rows) -> bytes:
    """A PNG by its header's numbers, whatever its rows hold."""

    def part(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    parts = (part(b"IHDR", header), part(b"IDAT", zlib.compress(rows)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + part(b"IEND", b"")


def decode(data, *, image_size=None, channels=None):
    return images.decode(data, image_size=image_size, channels=channels, name="it")


class TestImages:
    def test_keeps_bytes(self):
        gray = np.arange(12).reshape(3, 4)
        np.testing.assert_array_equal(decode(png(gray))[..., 0], gray)
        colour = np.arange(36).reshape(3, 4, 3)
        np.testing.assert_array_equal(decode(png(colour)), colour)
        assert decode(png(gray), channels=3).shape == (3, 4, 3)
        # ITU-R 601: 0.299 * 255 = 76.
        assert decode(png([[[255, 0, 0]]]), channels=1).tolist() == [[[76]]]

    def test_alpha_lies_on_white(self):
        pixels = [[[0, 0, 0, 0], [0, 0, 0, 255], [0, 0, 0, 51], [255, 0, 0, 255]]]
        out = decode(png(pixels))
        np.testing.assert_allclose(
            out[0], [[255] * 3, [0] * 3, [204] * 3, [255, 0, 0]], atol=1
        )
        assert decode(png([[[0, 0]]])).tolist() == [[[255]]]

    def test_palette_with_transparency(self):
        picture = Image.new("P", (2, 1))
        picture.putpalette([10, 20, 30, 40, 50, 60])
        picture.putdata([0, 1])
        file = io.BytesIO()
        picture.save(file, "png", transparency=1)
        assert decode(file.getvalue()).tolist() == [[[10, 20, 30], [255, 255, 255]]]

    def test_centre_square(self):
        wide = np.zeros((4, 12))
        wide[:, 4:8] = 200
        assert (decode(png(wide), image_size=4) == 200).all()
        assert decode(png(wide), image_size=8).shape == (8, 8, 1)

    def test_reduction_is_antialiased(self):
        stripes = np.tile([0, 255], (64, 32))
        small = decode(png(stripes), image_size=8).astype(int)
        assert abs(small - 127.5).max() < 20

    def test_exif_turns_upright(self):
        picture = Image.fromarray(np.array([[0, 80, 160]], np.uint8))
        tag = Image.Exif()
        tag[0x0112] = 6  # to be turned a quarter clockwise
        file = io.BytesIO()
        picture.save(file, "png", exif=tag)
        assert decode(file.getvalue())[..., 0].tolist() == [[0], [80], [160]]

    def test_arrays_as_files(self):
        x = np.random.default_rng(0).integers(0, 256, (3, 10, 6, 3)).astype(np.uint8)
        out = images.convert(x, image_size=4, channels=1)
        for image, array in zip(out, x, strict=True):
            np.testing.assert_array_equal(
                image, decode(png(array), image_size=4, channels=1)
            )
        assert images.convert(x[:0], image_size=4, channels=1).shape == (0, 4, 4, 1)
        assert images.convert(x, image_size=None, channels=None) is x
        with pytest.raises(InputError, match="2 channels"):
            images.convert(x[..., :2], image_size=None, channels=None)

    def test_damaged(self):
        whole = png(np.random.default_rng(0).integers(0, 256, (64, 64)))
        for broken in (b"", b"no image", whole[:40], whole[: len(whole) // 2]):
            with pytest.raises(InputError, match="it cannot be read"):
                decode(broken)

    @pytest.mark.parametrize("channels", [1, 2, 3, 4])
    def test_sixteen_bits_are_refused_by_the_header(self, channels):
        """Whatever Pillow makes of them: of colour and of alpha it keeps the upper byte."""
        kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
        deep = png_of(2, 2, 16, kind, (b"\0" + b"\x9c\x40" * channels * 2) * 2)
        with pytest.raises(InputError, match="more than 8 bits a channel"):
            decode(deep)
        flat = png_of(2, 2, 8, kind, (b"\0" + b"\x9c" * channels * 2) * 2)
        assert decode(flat).shape[:2] == (2, 2)

    def test_other_formats_of_more_bits_are_refused(self):
        gray, colour = io.BytesIO(), b"P6 2 2 1023\n" + b"\1" * 24
        Image.fromarray(np.full((2, 2), 40_000, np.uint16)).save(gray, "tiff")
        for deep in (gray.getvalue(), colour, b"P5 2 2 1023\n" + b"\1" * 8):
            with pytest.raises(InputError, match="more than 8 bits a channel"):
                decode(deep)
        assert decode(b"P6 2 2 255\n" + b"\1" * 12).shape == (2, 2, 3)

    @pytest.mark.parametrize("side", [9_000, 12_000, 60_000])
    def test_bombs_are_refused_by_their_header(self, side):
        with pytest.raises(InputError, match=f"limit of {2**26}"):
            decode(png_of(side, side, 8, 0, b""))
