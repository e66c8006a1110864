"""The tidy tables of the disruptions: the lines that they touch, and each of them."""

from lib.figures.tidy_tables import MOMENT, NUMBER, TEXT, TEXTS, WHOLE, YES_NO, Column, Table

TABLES = (
    Table(
        "lines",
        "par_ligne",
        (
            Column("id_ligne", TEXT),
            Column("ligne", TEXT),
            Column("mode", TEXT),
            Column("nombre_perturbations", WHOLE, "perturbations"),
            Column("nombre_longue_duree", WHOLE, "perturbations de plus de 30 jours"),
            Column("severite_max", TEXT, "bloquante, perturbée ou information"),
            Column("heures_perturbees", NUMBER, "heures de service"),
            Column("heures_bloquees", NUMBER, "heures de service"),
            Column("heures_hors_service", NUMBER, "heures de nuit"),
        ),
    ),
    Table(
        "disruptions",
        "perturbations",
        (
            Column("id", TEXT),
            Column("titre", TEXT),
            Column("severite", TEXT, "bloquante, perturbée ou information"),
            Column("effet", TEXT),
            Column("cause", TEXT),
            Column("categorie", TEXT),
            Column("lignes", TEXTS),
            Column("debut", MOMENT, "horloge de Paris"),
            Column("fin", MOMENT, "horloge de Paris"),
            Column("heures_dans_le_jour", NUMBER, "heures"),
            Column("longue_duree", YES_NO, "plus de 30 jours"),
            Column("message", TEXT),
        ),
    ),
)
