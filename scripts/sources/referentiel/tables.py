"""The tidy table of the road reference: its arcs."""

from lib.figures.tidy_tables import LAT, LON, NUMBER, TEXT, WHOLE, YES_NO, Column, Table

TABLES = (
    Table(
        "reference",
        "mapping",
        (
            Column("identifiant_arc", TEXT),
            Column("libelle", TEXT),
            Column("iu_nd_amont", TEXT),
            Column("libelle_nd_amont", TEXT),
            Column("iu_nd_aval", TEXT),
            Column("libelle_nd_aval", TEXT),
            Column("longueur_metres", NUMBER, "m"),
            Column("nombre_parties", WHOLE, "parties"),
            Column("arrondissement", WHOLE, "1 à 20"),
            Column("peripherique", YES_NO),
            LON(where="geo_point_2d.lon"),
            LAT(where="geo_point_2d.lat"),
            Column("trace", TEXT, "WKT, degrés WGS 84"),
        ),
    ),
)
