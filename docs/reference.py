"""MkDocs hook: the pages of every registered part, from `genlab list --json`, and of what `genlab` exports."""

import re
from collections.abc import Iterator
from typing import Any

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import genlab
from genlab.config.catalogue import collect

# What the pages are called where the kind alone is no title.
_TITLES = {"datasets": "Data sets", "starts": "Warm starts"}
_DOOR = ("load", "open", "Run", "register", "base_config", "load_params")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages, and to the navigation where they are."""
    reference = []
    for kind, parts in collect().items():
        page = f"reference/{kind}.md"
        text = "\n".join(_lines(kind, parts))
        files.append(File.generated(config, page, content=text))
        reference.append({_title(kind): page})
    others = [name for name in genlab.__all__ if name not in _DOOR]
    for page, title, names in (
        ("reference/python.md", "From Python", _DOOR),
        ("reference/extend.md", "For parts of one's own", others),
    ):
        text = "\n\n".join([f"# {title}", *map(_member, names)])
        files.append(File.generated(config, page, content=text))
        reference.append({title: page})
    config.nav = [*config.nav, {"Reference": reference}]
    return files


def _title(kind: str) -> str:
    return _TITLES.get(kind, kind.capitalize())


def _member(name: str) -> str:
    """What mkdocstrings makes of a name that `genlab` exports."""
    place = genlab._PLACES[name]
    heading = f"    options: {{heading: genlab.{name}}}"
    return f"::: {place}.{name}\n{heading}"


def _lines(kind: str, parts: list[dict[str, Any]]) -> Iterator[str]:
    """The page of a kind of parts, a section each."""
    yield f"# {_title(kind)}\n"
    yield f"`genlab list {kind}` prints the same.\n"
    for part in parts:
        yield f"## {part['name']} {{ #{part['name'].replace('/', '-')} }}\n"
        yield from _section(part)


def _section(part: dict[str, Any]) -> Iterator[str]:
    sections = _sections(part["doc"])
    if "variants" in part:  # the header of a config is laid out by hand
        yield f"```text\n{part['doc']}\n```\n"
    else:
        yield from (_prose(s.value) for s in sections if s.kind.value == "text")
    told = {
        item.name: " ".join(item.description.split())
        for section in sections
        if section.kind.value in ("parameters", "attributes")
        for item in section.value
    }
    if knobs := part.get("knobs"):
        yield "| knob | default | range | |\n|---|---|---|---|"
        for knob, default in knobs.items():
            span = _escaped(part["ranges"].get(knob, ""))
            meaning = _escaped(told.get(knob, ""))
            yield f"| `{knob}` | `{default}` | {span} | {meaning} |"
        yield ""
    for need in part.get("needs", ()):
        meaning = told.get(need.partition(" ")[0])
        yield f"- needs `{need}`" + (f": {_escaped(meaning)}" if meaning else "")
    for key in ("families", "variants", "sweeps", "keys"):
        if values := part.get(key):
            yield f"\n{key.capitalize()}: {', '.join(f'`{value}`' for value in values)}\n"
    for slot, offered in part.get("offers", {}).items():
        yield f"\nOffers its {slot}: {', '.join(f'`{name}`' for name in offered)}\n"
    if part.get("paper"):
        yield f"\nPaper: {_escaped(part['paper'])}\n"


def _sections(doc: str) -> list[Any]:
    """A docstring in its sections, without the paper, which the page has in its place."""
    text = re.sub(r"^Papers?: .+(?:\n  .+)*", "", doc, flags=re.MULTILINE)
    return griffe.Docstring(text).parse("google", warnings=False)


def _prose(text: str) -> str:
    """Plain text as Markdown that looks like it: paragraphs, and what is indented as it stands."""
    paragraphs = re.split(r"\n\s*\n", text)
    return "".join(
        f"```text\n{paragraph}\n```\n\n"
        if paragraph.startswith("  ")
        else f"{_escaped(paragraph)}\n\n"
        for paragraph in paragraphs
    )


def _escaped(text: str) -> str:
    """A text in which nothing but what is between backticks is markup."""
    pieces = re.split(r"(`[^`]*`)", text)
    pieces[::2] = [re.sub(r"([*_<>\[\]|])", r"\\\1", piece) for piece in pieces[::2]]
    return "".join(pieces)
