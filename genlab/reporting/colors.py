"""A colour for each of a few things, or of many, the same wherever a page shows them."""

PALETTE = 8  # colours that the styles name
GOLDEN = 137.508  # degrees between neighbours of many, so that no two near each other are alike


def color(index: int, count: int) -> str:
    """The colour of one of `count` things, as a style: light on dark pages and dark on light ones."""
    if count <= PALETTE:
        return f"var(--c{index})"
    return f"oklch(var(--many) {index * GOLDEN % 360:.0f})"
