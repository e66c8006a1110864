"""The tidy tables of the road counts: arcs, and their hours."""

from lib.figures.tidy_tables import LAT, LON, NUMBER, TEXT, WHOLE, YES_NO, Column, Table, hours_table

TABLES = (
    Table(
        "arcs",
        "metrics",
        (
            Column("identifiant_arc", TEXT),
            Column("libelle", TEXT),
            Column("arrondissement", WHOLE, "1 à 20"),
            LON(where="geo_point_2d.lon"),
            LAT(where="geo_point_2d.lat"),
            Column("longueur_metres", NUMBER, "m"),
            Column("debit_journalier_total", NUMBER, "véhicules"),
            Column("debit_horaire_moyen", NUMBER, "véhicules/h"),
            Column("debit_max", NUMBER, "véhicules/h"),
            Column("heure_pic", WHOLE, "heure, 0 à 23"),
            Column("heures_valides", WHOLE, "heures"),
            Column("taux_occupation_moyen", NUMBER, "% du temps"),
            Column("etat_trafic_dominant", TEXT),
            Column("etat_trafic_pointe", TEXT),
            Column("temps_perdu_minutes", NUMBER, "minutes par véhicule : un modèle"),
            Column("temps_perdu_total_minutes", NUMBER, "minutes, de tous les véhicules : un modèle"),
            Column("congestion_alerte", YES_NO),
            Column("ecarte", TEXT, "la règle qui met l'arc hors des totaux"),
        ),
    ),
    hours_table("identifiant_arc", "debits_horaires", "taux_horaires", "temps_perdu_horaires"),
)
