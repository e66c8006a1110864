"""The tidy table of the road works: those active on the day."""

from lib.figures.tidy_tables import DAY, NUMBER, TEXT, WHOLE, Column, Table, columns_of, place

TABLES = (
    Table(
        "works",
        "metrics",
        (
            Column("identifiant", TEXT),
            Column("arrondissement", WHOLE, "1 à 20"),
            *place("geo_point_2d"),
            *columns_of(TEXT, "objet", "voies", "description", "impact"),
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
