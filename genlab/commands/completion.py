"""`genlab completion`: what lets a shell complete commands, flags and configs."""

import argparse
import ast
import contextlib
import os
from typing import Any

from genlab import shipped
from genlab.config import files
from genlab.errors import InputError

HELP = "print what lets a shell complete commands, flags and configs"
EXAMPLES = """\
  eval "$(genlab completion bash)"              in ~/.bashrc, for every shell from then on
  eval "$(genlab completion zsh)"               in ~/.zshrc, after compinit
  genlab completion fish > ~/.config/fish/completions/genlab.fish

It needs argcomplete, `pip install argcomplete`."""
ROOM = "genlab.commands.completion"
SHELLS = ("bash", "zsh", "fish")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The shell."""
    parser.add_argument(
        "shell", choices=SHELLS, metavar="SHELL", help="bash, zsh or fish"
    )


def run(values: argparse.Namespace) -> None:
    """Prints the code that the shell is to evaluate."""
    print(_argcomplete().shellcode(["genlab"], shell=values.shell))


def answer(parser: argparse.ArgumentParser) -> None:
    """Answers a shell that asks how a line goes on, and ends the process; nothing otherwise."""
    line = os.environ.get("COMP_LINE", "")
    called, _, rest = line.partition(" ")
    if rest.lstrip().startswith("--"):  # the bare form, which trains
        os.environ["COMP_LINE"] = f"{called} train {rest}"
        point = int(os.environ.get("COMP_POINT", len(line)))
        os.environ["COMP_POINT"] = str(point + len("train "))
    _argcomplete().autocomplete(parser)


def configs(prefix: str, **_: Any) -> list[str]:
    """Configs of genlab's own with their variants, and files, that begin so."""
    name, colon, _ = prefix.partition(":")
    if colon:
        return [f"{name}:{variant}" for variant in _variants(name)]
    from argcomplete.completers import FilesCompleter

    return [*(path.stem for path in files.recipes()), *FilesCompleter(["py"])(prefix)]


def _variants(name: str) -> list[str]:
    """The variants that a config file names, read without running it, but for genlab's own that take names
    from elsewhere."""
    file = files.find(name)
    for node in ast.parse(file.read_text()).body:
        match node:
            case ast.Assign(targets=[ast.Name("VARIANTS")], value=value):
                with contextlib.suppress(ValueError):
                    return list(ast.literal_eval(value))
                from genlab.config.load import variants

                return list(variants(file)) if file in files.recipes() else []
    return []


def _argcomplete() -> Any:
    try:
        import argcomplete
    except ImportError:
        raise InputError(
            "completion needs argcomplete, which is not installed;"
            f" {shipped.install('completion')}"
        ) from None
    return argcomplete
