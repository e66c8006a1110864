"""The tidy table of the road works: those active on the day."""

from lib.figures.tidy_tables import DAY, LAT, LON, NUMBER, TEXT, WHOLE, Column, Table

TABLES = (
    Table(
        "works",
        "metrics",
        (
            Column("identifiant", TEXT),
            Column("arrondissement", WHOLE, "1 à 20"),
            LON(where="geo_point_2d.lon"),
            LAT(where="geo_point_2d.lat"),
            Column("objet", TEXT),
            Column("voies", TEXT),
            Column("description", TEXT),
            Column("impact", TEXT),
            Column("niveau", WHOLE, "1 à 3"),
            Column("statut", TEXT),
            Column("date_debut", DAY),
            Column("date_fin", DAY, "comprise"),
            Column("jours_restants", WHOLE, "jours"),
            Column("surface_m2", NUMBER, "m²"),
            Column("troncons", WHOLE, "arcs à moins de 30 m"),
        ),
    ),
)
