"""The tidy tables of the bike counts: counters, and their hours."""

from lib.figures.tidy_tables import LAT, LON, NUMBER, TEXT, WHOLE, YES_NO, Column, Table, hours_table

TABLES = (
    Table(
        "counters",
        "metrics",
        (
            Column("id_compteur", TEXT),
            Column("nom_compteur", TEXT),
            Column("arrondissement", WHOLE, "1 à 20"),
            LON(where="coordinates.lon"),
            LAT(where="coordinates.lat"),
            Column("total_jour", NUMBER, "passages"),
            Column("moyenne_horaire", NUMBER, "passages/h"),
            Column("pic_horaire", NUMBER, "passages/h"),
            Column("heure_pic", WHOLE, "heure, 0 à 23"),
            Column("heures_valides", WHOLE, "heures"),
            Column("anomalie_detectee", YES_NO),
            Column("ecarte", TEXT, "la règle qui met le compteur hors des totaux"),
        ),
    ),
    hours_table("id_compteur", "comptages_horaires"),
)
