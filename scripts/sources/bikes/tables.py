"""The tidy tables of the bike counts: counters, and their hours."""

from lib.figures.tidy_tables import NUMBER, TEXT, WHOLE, YES_NO, Column, Table, columns_of, hours_table, place

TABLES = (
    Table(
        "counters",
        "metrics",
        (
            *columns_of(TEXT, "id_compteur", "nom_compteur"),
            Column("arrondissement", WHOLE, "1 à 20"),
            *place("coordinates"),
            Column("total_jour", NUMBER, "passages"),
            *columns_of(NUMBER, "moyenne_horaire", "pic_horaire", unit="passages/h"),
            Column("heure_pic", WHOLE, "heure, 0 à 23"),
            Column("heures_valides", WHOLE, "heures"),
            Column("anomalie_detectee", YES_NO),
            Column("ecarte", TEXT, "la règle qui met le compteur hors des totaux"),
        ),
    ),
    hours_table("id_compteur", "comptages_horaires"),
)
