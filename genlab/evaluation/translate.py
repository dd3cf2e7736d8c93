"""Translation of image files of any size by a trained model."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genlab.data import images
from genlab.data.image_files import list_images, readable
from genlab.errors import InputError
from genlab.game import rng
from genlab.metrics.translations import to_unit
from genlab.part import name_of
from genlab.plots.grid import image_grid, save_png
from genlab.process import display
from genlab.trained.trained import Trained


@dataclass(frozen=True)
class FileTranslator:
    """A trained translation model for files.

    Images are padded to a multiple of the network's stride by repeating their borders, translated
    one at a time, and cropped back; the noise of an image depends on the run's seed and its pixels, so
    that a file becomes the same alone or among others.

    Attributes:
      trained: the model.
      back: from y to x, where the model knows both ways.

    Raises:
      InputError: the experiment does not translate (that way).
    """

    trained: Trained
    back: bool = False

    def __post_init__(self) -> None:
        if not self.trained.has(self._method):
            family = name_of(self.trained.experiment)
            way = "translate back" if self.back else "translate images"
            raise InputError(f"experiment {family!r} does not {way}")

    def __call__(
        self, source: Path, out: Path, *, skip_unreadable: bool
    ) -> tuple[int, int]:
        """Translates an image file, or every one of a folder, into PNG files of the same names.

        Args:
          source: the file, or the folder.
          out: the folder to write into, made where it is missing.
          skip_unreadable: leaves out images that cannot be decoded, after trying each; False
            refuses the first, by its header before anything is written or else when it is met.

        Returns:
          How many were written and how many left out.

        Raises:
          InputError: no such file or folder, no images in it, two of one name, `out` holds the
            inputs, an unreadable image, none that can be read, or one without transparency for a
            model that fills holes.
        """
        files = _list(source)
        _check_out(files, out)
        kept = files
        if skip_unreadable:
            kept = readable(files, lambda file: (file,))
            if not kept:
                raise InputError(f"{source} has no image that can be read")
        for file in kept:
            images.announced(file, name=str(file))
        out.mkdir(parents=True, exist_ok=True)
        with display.doing("translating") as retell:
            for number, file in enumerate(kept, 1):
                retell(f"translating image {number:,} of {len(kept):,}")
                save_png(out / f"{file.stem}.png", self.picture(self._read(file)))
        return len(kept), len(files) - len(kept)

    def picture(self, x: np.ndarray) -> np.ndarray:
        """The translation, [H, W, 3] uint8, of `x: [h, w, C] in [0, 1]`."""
        trained = self.trained
        height, width = x.shape[:2]
        stride = self._stride()
        rows, columns = -height % stride, -width % stride
        padded = np.pad(x, ((0, rows), (0, columns), (0, 0)), mode="edge")
        low, high = trained.value_range
        batch = (low + (high - low) * padded[None]).astype(np.float32)
        key = rng.stream(trained.seed, "translate files", _content(x))
        made = trained.call(self._method, batch, key)
        scale = made.shape[1] // padded.shape[0]
        made = to_unit(trained, made)[:, : height * scale, : width * scale]
        return image_grid(made, columns=1, padding=0, value_range=(0, 1))

    @property
    def _method(self) -> str:
        return "translate_back" if self.back else "translate"

    def _stride(self) -> int:
        """What sides must be a multiple of; 1 for a network that says nothing about it."""
        networks = self.trained.experiment.networks
        role = "generator_x" if self.back else "generator_y"
        module = networks.get(role, networks.get("generator")).module
        return getattr(module, "stride", 1)

    def _read(self, file: Path) -> np.ndarray:
        """The image of a file as the network takes it, [h, w, C] in [0, 1]."""
        holes = getattr(self.trained.experiment, "fill_only", False)
        channels = self.trained.data.example_shape[-1] - holes
        pixels = images.decode(file, image_size=None, channels=channels, name=str(file))
        x = pixels.astype(np.float32) / 255
        return self._punch(file, x) if holes else x

    def _punch(self, file: Path, x: np.ndarray) -> np.ndarray:
        """The image with holes where the file is transparent, as `box_holes` makes them."""
        hole = images.transparent(file)
        if not hole.any():
            raise InputError(
                f"image {file} has no transparent pixels, and those are what this model fills"
            )
        known = np.where(hole[..., None], np.float32(0.5), x)
        return np.concatenate([known, hole[..., None].astype(np.float32)], axis=-1)


def _content(x: np.ndarray) -> int:
    """A number in [0, 2**31) that an image's shape and pixels decide."""
    digest = hashlib.sha256(f"{x.shape}".encode() + np.ascontiguousarray(x).tobytes())
    return int.from_bytes(digest.digest()[:4]) >> 1


def _list(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise InputError(f"--input={source}: there is no such file or folder")
    return list_images(source, deep=False)  # what lies deeper may be what was made


def _check_out(files: list[Path], out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"--out={out} is a file; name a folder")
    if out.resolve() == files[0].parent.resolve():
        raise InputError(f"--out={out} holds the inputs; name another folder")
    named: dict[str, Path] = {}
    for file in files:
        if twin := named.get(file.stem):
            raise InputError(
                f"{twin.name} and {file.name} would both become {file.stem}.png; give them"
                " two names"
            )
        named[file.stem] = file
