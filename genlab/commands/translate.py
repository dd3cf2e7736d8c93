"""`launch.py translate`: images through a trained translator."""

from pathlib import Path

from genlab.commands import flags
from genlab.commands.inputs import BEST, WORKDIR, load_trained, required
from genlab.evaluation.translate import FileTranslator


def run(arguments: list[str]) -> None:
    """Translates an image, or a folder of images of any size, into a folder of PNG files."""
    values, _ = flags.parse(
        arguments,
        WORKDIR,
        BEST,
        flags.path("input", None, "an image file, or a folder of them"),
        flags.path("out", None, "folder to write into"),
        flags.switch("back", "from y to x, where the model knows both ways"),
        flags.switch("skip-unreadable", "leave out images that cannot be read"),
    )
    source = Path(required(values.input, "input"))
    out = Path(required(values.out, "out"))
    _, trained = load_trained(values)
    skip = values["skip-unreadable"].value
    translate_files = FileTranslator(trained, values.back)
    written, skipped = translate_files(source, out, skip_unreadable=skip)
    print(f"{out}: {written} images" + (f", {skipped} skipped" if skipped else ""))
