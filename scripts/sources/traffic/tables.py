"""The tidy tables of the disruptions: the lines that they touch, and each of them."""

from lib.figures.tidy_tables import MOMENT, NUMBER, TEXT, TEXTS, WHOLE, YES_NO, Column, Table, columns_of

TABLES = (
    Table(
        "lines",
        "par_ligne",
        (
            *columns_of(TEXT, "id_ligne", "ligne", "mode"),
            Column("nombre_perturbations", WHOLE, "perturbations"),
            Column("nombre_longue_duree", WHOLE, "perturbations de plus de 30 jours"),
            Column("severite_max", TEXT, "bloquante, perturbée ou information"),
            *columns_of(NUMBER, "heures_perturbees", "heures_bloquees", unit="heures de service"),
            Column("heures_hors_service", NUMBER, "heures de nuit"),
        ),
    ),
    Table(
        "disruptions",
        "perturbations",
        (
            *columns_of(TEXT, "id", "titre"),
            Column("severite", TEXT, "bloquante, perturbée ou information"),
            *columns_of(TEXT, "effet", "cause", "categorie"),
            Column("lignes", TEXTS),
            *columns_of(MOMENT, "debut", "fin", unit="horloge de Paris"),
            Column("heures_dans_le_jour", NUMBER, "heures"),
            Column("longue_duree", YES_NO, "plus de 30 jours"),
            Column("message", TEXT),
        ),
    ),
)
