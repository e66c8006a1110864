"""The colours of the HTML pages: one set of names, two themes, and which colour must be seen on which.

tests/scripts/report/test_colours.py computes the WCAG 2 contrast ratio of every pair (text 4.5:1, graphics 3:1), and
that states of traffic lie in the order of their lightness, apart also for who sees no red or no green. A state never
rests on its colour alone: it also has a width, dashes or a mark.
"""

LIGHT = {
    "papier": "#faf8f4",
    "carte": "#ffffff",
    "encre": "#1b1f24",
    "second": "#55595f",
    "filet": "#ddd8ce",
    "trame": "#efebe3",
    "lien": "#0b5a8a",
    "routes": "#1f5f8b",
    "velos": "#1f7a4d",
    "habituel": "#7b7f86",
    "pluie": "#2a6fb0",
    "temperature": "#b0501c",
    "fluide": "#6095aa",
    "presature": "#b1770f",
    "sature": "#a32a00",
    "bloque": "#4a0a2e",
    "inconnu": "#888c92",
    "contour": "#928d83",
    "fleuve": "#cfe2ee",
    "bois": "#e0eed9",
    "chantier": "#5b3f9e",
    "alerte": "#8f0d2c",
    "avis": "#fff3cf",
    "avis_encre": "#5a4300",
    "bon": "#1f7a4d",
    "moyen": "#8a5a00",
    "mauvais": "#a3122f",
}
DARK = {
    "papier": "#14171b",
    "carte": "#1c2026",
    "encre": "#eceae5",
    "second": "#aeb3ba",
    "filet": "#353a42",
    "trame": "#262b32",
    "lien": "#84c4ee",
    "routes": "#6db3e2",
    "velos": "#5cc48d",
    "habituel": "#8b919a",
    "pluie": "#6aa9e6",
    "temperature": "#ef9a5f",
    "fluide": "#467a94",
    "presature": "#bc7b0c",
    "sature": "#ffa580",
    "bloque": "#ffe6f0",
    "inconnu": "#7d838c",
    "contour": "#717780",
    "fleuve": "#203846",
    "bois": "#1f2f22",
    "chantier": "#b49cf0",
    "alerte": "#ff8095",
    "avis": "#3d3312",
    "avis_encre": "#f5dd93",
    "bon": "#5cc48d",
    "moyen": "#e3b04b",
    "mauvais": "#ff8095",
}

SURFACES = ("papier", "carte")
STATES = ("fluide", "presature", "sature", "bloque")  # from the one nearest to the surface to the farthest
ON_TRACK = ("presature", "sature", "chantier", "alerte")  # bars, drawn on a track of « trame » as well
# (foreground, the backgrounds it is used on)
TEXTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("second", ("fleuve", "bois")),
    *((name, SURFACES) for name in ("encre", "second", "lien", "pluie", "temperature", "bon", "moyen", "mauvais")),
    ("avis_encre", ("avis",)),
)
GRAPHICS: tuple[tuple[str, tuple[str, ...]], ...] = tuple(
    (name, (*SURFACES, "trame") if name in ON_TRACK else SURFACES)
    for name in (
        "routes", "velos", "habituel", "pluie", "temperature", "fluide", "presature", "sature", "bloque", "inconnu",
        "contour", "chantier", "alerte",
    )
)  # fmt: skip


def stylesheet_variables() -> str:
    """Write the two themes as CSS custom properties; paper is always light."""
    dark = "@media screen and (prefers-color-scheme:dark){" + _root(DARK) + "}"
    return _root(LIGHT) + dark


def _root(colours: dict[str, str]) -> str:
    return ":root{" + "".join(f"--{name}:{value};" for name, value in colours.items()) + "}"
