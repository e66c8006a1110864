"""Tidy tables of a source's metrics: their records, and their columns with type and unit. make_tables.py writes them.

scripts/sources/<name>/tables.py says which tables the metrics of a source hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from lib.common.paris_time import clock_hours
from lib.figures.key_figures import Metrics, at

# Types, as SQL names them. A moment is on the Paris clock, without a zone.
TEXT, TEXTS, WHOLE, NUMBER, YES_NO, DAY, MOMENT = (
    "VARCHAR", "VARCHAR[]", "BIGINT", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP_MS",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column; `where` is the place of its value in a record, its name unless it is given.

    `hourly`: the record holds a list there, of a value for each hour.
    """

    name: str
    kind: str
    unit: str = ""
    where: str = ""
    hourly: bool = False

    def of(self, record: Metrics) -> Any:
        """Find the value in a record; None where the record, of an older version perhaps, has none."""
        try:
            return at(record, self.where or self.name)
        except (KeyError, TypeError):
            return None


JOUR = Column("jour", DAY, "jour civil de Paris")
SOURCE = Column("source", TEXT, "bikes, comptages…")
HEURE = Column("heure", WHOLE, "début, 0 à 23 ; 24 : le second 02 h d'automne")


def columns_of(kind: str, *names: str, unit: str = "") -> tuple[Column, ...]:
    """Describe some columns of one kind and unit."""
    return tuple(Column(name, kind, unit) for name in names)


def place(where: str) -> tuple[Column, ...]:
    """Describe the two columns of a point that a record holds at `where`."""
    return tuple(Column(name, NUMBER, "degrés WGS 84", f"{where}.{name}") for name in ("lon", "lat"))


@dataclass(frozen=True)
class Table:
    """A table: a row for each record of the list at `where` of a source's metrics (nowhere: one row for all of them).

    It begins with the day, and the source where several `share` the table. If a column is hourly there is a row for
    each hour of a record, and the hour comes next.
    """

    name: str
    where: str
    own: tuple[Column, ...]
    share: bool = False

    @property
    def is_hourly(self) -> bool:
        return any(column.hourly for column in self.own)

    @property
    def columns(self) -> tuple[Column, ...]:
        return (JOUR, *([SOURCE] if self.share else []), *([HEURE] if self.is_hourly else []), *self.own)

    def rows(self, metrics: Metrics, source: str, day: date) -> Iterator[list[Any]]:
        """Yield the values of `columns` for each row; KeyError where metrics of an older version have no such list."""
        first, lived = [day.isoformat(), *([source] if self.share else [])], clock_hours(day)
        for record in at(metrics, self.where) if self.where else [metrics]:
            values = [column.of(record) for column in self.own]
            if not self.is_hourly:
                yield [*first, *values]
                continue
            pairs = list(zip(self.own, values, strict=True))
            count = max(len(value or ()) for column, value in pairs if column.hourly)
            # A list has a place for each hour that was lived, or for each of a clock.
            for place, hour in enumerate(lived if count == len(lived) else range(count)):
                yield [*first, hour, *(_at(value, place) if column.hourly else value for column, value in pairs)]


def _at(values: list[Any] | None, place: int) -> Any:
    return values[place] if values else None


def hours_table(sensor: str, value: str, occupancy: str = "", lost: str = "") -> Table:
    """Describe the hours of a source's sensors: a row for each sensor and hour, null where nothing was measured."""
    columns = (
        Column("capteur", TEXT, "", sensor),
        Column("valeur", NUMBER, "véhicules/h (comptages), passages/h (bikes)", value, hourly=True),
        Column("taux_occupation", NUMBER, "% du temps", occupancy, hourly=True),
        Column("temps_perdu_minutes", NUMBER, "minutes, de tous les véhicules : un modèle", lost, hourly=True),
        Column("ecarte", TEXT, "la règle qui met le capteur hors des totaux"),
    )
    return Table("hours", "metrics", columns, share=True)


ACCOUNT = Table(  # of every source
    "sources",
    "",
    (
        Column("statut", TEXT, "complet, partiel ou absent", "qualite.statut"),
        Column("couverture", NUMBER, "0 à 1", "qualite.couverture"),
        Column("lignes_lues", WHOLE, "lignes", "qualite.lignes_lues"),
        Column("lignes_retenues", WHOLE, "lignes", "qualite.lignes_retenues"),
        Column("doublons", WHOLE, "lignes", "qualite.doublons"),
        Column("capteurs_attendus", WHOLE, "capteurs", "qualite.capteurs.attendus"),
        Column("capteurs_mesures", WHOLE, "capteurs", "qualite.capteurs.mesures"),
        Column("capteurs_ecartes", WHOLE, "capteurs", "qualite.capteurs.ecartes"),
    ),
    share=True,
)
