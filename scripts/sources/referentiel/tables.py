"""The tidy table of the road reference: its arcs."""

from lib.figures.tidy_tables import NUMBER, TEXT, WHOLE, YES_NO, Column, Table, columns_of, place

TABLES = (
    Table(
        "reference",
        "mapping",
        (
            *columns_of(TEXT, "identifiant_arc", "libelle"),
            *columns_of(TEXT, "iu_nd_amont", "libelle_nd_amont", "iu_nd_aval", "libelle_nd_aval"),
            Column("longueur_metres", NUMBER, "m"),
            Column("nombre_parties", WHOLE, "parties"),
            Column("arrondissement", WHOLE, "1 à 20"),
            Column("peripherique", YES_NO),
            *place("geo_point_2d"),
            Column("trace", TEXT, "WKT, degrés WGS 84"),
        ),
    ),
)
