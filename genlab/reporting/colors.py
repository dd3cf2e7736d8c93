"""A colour for each of a few things, or of many, the same wherever a page shows them."""

PALETTE = 8  # colours that the styles name
SHADES = 2  # that neighbours of many hues take in turns


def color(index: int, count: int) -> str:
    """The colour of one of `count` things, as a style: light on dark pages and dark on light ones."""
    if count <= PALETTE:
        return f"var(--c{index})"
    return f"oklch(var(--shade{index % SHADES}) {360 * index / count:.0f})"
