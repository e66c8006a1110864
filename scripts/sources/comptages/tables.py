"""The tidy tables of the road counts: arcs, and their hours."""

from lib.figures.tidy_tables import NUMBER, TEXT, WHOLE, YES_NO, Column, Table, columns_of, hours_table, place

TABLES = (
    Table(
        "arcs",
        "metrics",
        (
            *columns_of(TEXT, "identifiant_arc", "libelle"),
            Column("arrondissement", WHOLE, "1 à 20"),
            *place("geo_point_2d"),
            Column("longueur_metres", NUMBER, "m"),
            Column("debit_journalier_total", NUMBER, "véhicules"),
            *columns_of(NUMBER, "debit_horaire_moyen", "debit_max", unit="véhicules/h"),
            Column("heure_pic", WHOLE, "heure, 0 à 23"),
            Column("heures_valides", WHOLE, "heures"),
            Column("taux_occupation_moyen", NUMBER, "% du temps"),
            *columns_of(TEXT, "etat_trafic_dominant", "etat_trafic_pointe"),
            Column("temps_perdu_minutes", NUMBER, "minutes par véhicule : un modèle"),
            Column("temps_perdu_total_minutes", NUMBER, "minutes, de tous les véhicules : un modèle"),
            Column("congestion_alerte", YES_NO),
            Column("ecarte", TEXT, "la règle qui met l'arc hors des totaux"),
        ),
    ),
    hours_table("identifiant_arc", "debits_horaires", "taux_horaires", "temps_perdu_horaires"),
)
