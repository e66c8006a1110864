"""The tidy table of the weather: its hours."""

from lib.figures.tidy_tables import NUMBER, TEXT, WHOLE, Column, Table

TABLES = (
    Table(
        "weather_hours",
        "heures",
        (
            Column("heure", WHOLE, "début, 0 à 23"),
            Column("temp", NUMBER, "°C"),
            Column("precip", NUMBER, "mm"),
            Column("vent", NUMBER, "km/h"),
            Column("conditions", TEXT),
        ),
    ),
)
