"""Road-count rows of a day as valid measurements, whatever the export's dialect.

A row is one arc during one hour. Blank is "not measured", never zero; an impossible value discredits its row.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.common.errors import InputError
from lib.common.paris_time import parse_road_label, road_label_hours
from lib.figures.answers import CUT, Answer
from lib.figures.quality import Quality
from lib.figures.raw_rows import newest, without_echoes, without_rejects
from lib.figures.written_places import join_places
from lib.raw.contents import last_line, lines_of, read_blocks
from lib.raw.csv_dialect import MAX_ROW_CHARACTERS, SPLIT_PLACE, point_decimals
from lib.raw.forms import encoding
from lib.raw.limits import COUNTS_BYTES, MEGABYTE
from lib.raw.source_files import RawFile
from lib.raw.tables import read_table
from lib.raw.usable_files import read_usable
from scripts.sources.comptages.export import COLUMNS, REQUIRED, open_export
from scripts.sources.comptages.row_fields import fields_of
from scripts.sources.comptages.scan import rows_of_day
from scripts.sources.referentiel.records import arc_identifier

MAX_FLOW = 15_000.0  # véhicules/h; the busiest five-lane arcs of the périphérique stay below 10 000
MAX_OCCUPANCY = 100.0  # % of time
PLACES_BYTES = 64 * MEGABYTE  # two daily exports, each of which names all arcs; about a second
TEXTS = ("libelle", "geo_point_2d", "geo_shape")
SHOWN = ("identifiant_arc", "t_1h", "debit", "taux_occupation")  # of a rejected row

Line = Callable[[Any], int | str]  # writes where a row stands


def read_day_rows(raw: RawFile, day: date, quality: Quality) -> pd.DataFrame:
    """Return the valid rows: identifiant_arc, libelle, heure (0..23), debit (véh/h), taux_occupation (%), geo_* texts.

    Rows of other days are no part of the account; rows of the day that are not valid are rejected.
    """
    labels = road_label_hours(day)
    is_csv = raw.is_csv
    rows = _csv_rows(raw, day, quality) if is_csv else read_table(raw, COLUMNS, REQUIRED, quality)
    line = "octet {}".format if is_csv else int
    rows = _of_day(join_places(rows, "geo_point_2d").assign(_fichier=raw.name), day, labels, line, quality)
    codes, texts = _texts(rows["identifiant_arc"])
    arcs = pd.Series(np.array([arc_identifier(text) for text in texts], dtype=object)[codes], rows.index)
    flows, no_flow = _numbers(rows["debit"])
    rates, no_rate = _numbers(rows["taux_occupation"])
    nameless = arcs.isin(["", "*"])
    reasons = {
        "identifiant_invalide": nameless,
        "debit_non_numerique": flows.isna() & ~no_flow,
        "taux_non_numerique": rates.isna() & ~no_rate,
        "debit_negatif": flows < 0,
        "debit_impossible": flows > MAX_FLOW,
        "taux_hors_bornes": (rates < 0) | (rates > MAX_OCCUPANCY),
    }
    faulty = reasons["debit_negatif"] | reasons["debit_impossible"] | reasons["taux_hors_bornes"]
    quality.sensors_at_fault |= set(arcs[faulty & ~nameless])
    kept = without_rejects(rows, reasons, SHOWN, quality, line)  # rejects stay as written
    kept = kept.drop(columns=["_fichier", "_ligne", "t_1h"])
    quality.answers.of_day[raw.name] += len(kept)
    at = kept.index
    return kept.assign(identifiant_arc=arcs[at], debit=flows[at], taux_occupation=rates[at])


def read_files(files: Sequence[RawFile], day: date, quality: Quality) -> pd.DataFrame:
    """Return the valid rows of all usable files, oldest first (see newest_rows); InputError when none is usable."""
    counts = newest_rows(read_usable(files, lambda raw: read_day_rows(raw, day, quality), quality), quality)
    places = without_echoes(counts, ["identifiant_arc", "geo_point_2d", "geo_shape"])
    known = ~_lacks(places[["geo_point_2d", "geo_shape"]]).all(axis=1)
    placed = known.groupby(places["identifiant_arc"]).any()
    if placed.all():
        return counts
    others = _rows_of_any_day(tuple(files))
    others = others[others["identifiant_arc"].isin(placed.index[~placed])]
    return _with_texts_of_all(counts, pd.concat([others, counts], ignore_index=True))


def newest_rows(tables: Iterable[pd.DataFrame], quality: Quality) -> pd.DataFrame:
    """One row per arc and hour out of several files, oldest first: the newest file wins, conflicts are counted."""
    rows = pd.concat(list(tables), ignore_index=True)
    return _with_texts_of_all(newest(rows, ["identifiant_arc", "heure"], ["debit", "taux_occupation"], quality), rows)


def _with_texts_of_all(kept: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Fill the blank texts of the kept rows with those of any row of the arc: a file may come without geometry."""
    if len(kept) == len(rows):
        return kept
    names, places = list(TEXTS), without_echoes(kept, ["identifiant_arc", *TEXTS])
    arcs = places.loc[_lacks(places[names]).any(axis=1), "identifiant_arc"].unique()
    some, others = (table[table["identifiant_arc"].isin(arcs)] for table in (kept, rows))
    known = others[names].where(others[names] != "").groupby(others["identifiant_arc"]).last()
    texts = some[names].where(some[names] != "").fillna(known.reindex(some["identifiant_arc"]).set_axis(some.index))
    kept = kept.copy()
    kept.loc[some.index, names] = texts
    return kept


def _lacks(texts: pd.DataFrame) -> pd.DataFrame:
    return texts.isna() | (texts == "")


@lru_cache(maxsize=1)
def _rows_of_any_day(files: tuple[RawFile, ...]) -> pd.DataFrame:
    """Read identifiant_arc and TEXTS of the rows at the beginning of the exports, oldest first, whatever their day.

    They tell where an arc lies of which no row of the day does: an archive without geometry beside a newer export. No
    more than PLACES_BYTES are read in all, of the newest exports.
    """
    names = ("identifiant_arc", *TEXTS, *SPLIT_PLACE)
    tables, left = [pd.DataFrame(columns=names, dtype=object)], PLACES_BYTES
    for raw in reversed([raw for raw in files if raw.is_csv]):
        if left < 0:
            break
        with suppress(InputError):  # said where the day was read
            export = open_export(raw)
            header = export.header
            pick = itemgetter(*(header.index(name) if name in header else len(header) for name in names))
            known = encoding.Encoding(export.encoding)
            found: dict[tuple[str | None, ...], None] = {}  # an arc has the same texts in all its rows
            for line in islice(lines_of(read_blocks(raw.path, COUNTS_BYTES), MAX_ROW_CHARACTERS), 1, None):
                left -= len(line) + 1
                if left < 0:
                    break
                fields, reason = fields_of(line, export.delimiter, len(header), known)
                if not reason:
                    found[pick([*fields, None])] = None
            tables.append(pd.DataFrame(found.keys(), columns=names, dtype=object))
    rows = join_places(pd.concat(tables[::-1], ignore_index=True), "geo_point_2d")
    return rows.assign(identifiant_arc=rows["identifiant_arc"].map(arc_identifier).astype(object))


def _csv_rows(raw: RawFile, day: date, quality: Quality) -> pd.DataFrame:
    found = rows_of_day(raw, day)
    quality.answers.add(Answer(raw.origin, None, len(found.offsets), broken=CUT if is_cut(raw) else ""))
    if found.windows:
        encoding.warn_of_windows(quality, raw.name)
    for offset, reason, text in found.rejects:
        quality.reject(reason, raw.name, f"octet {offset}", text)
    return pd.DataFrame(dict(zip(("_ligne", *COLUMNS), (found.offsets, *found.columns), strict=True)), dtype=object)


def is_cut(raw: RawFile) -> bool:
    """Tell whether a CSV export breaks off in its last line, of whatever day: it has no end, and is no whole row."""
    return _breaks_off(raw, raw.state)


@lru_cache(maxsize=8)  # of a gzipped export all has to be read to know it, and a run asks for each day
def _breaks_off(raw: RawFile, _state: tuple[int, ...]) -> bool:
    line = last_line(raw.path).strip()
    export = open_export(raw)
    fields, reason = fields_of(line, export.delimiter, len(export.header), encoding.Encoding(export.encoding))
    return bool(line) and (bool(reason) or (export.header[-1] == "t_1h" and parse_road_label(fields[-1]) is None))


def _of_day(rows: pd.DataFrame, day: date, labels: dict[datetime, int], line: Line, quality: Quality) -> pd.DataFrame:
    """Return the rows whose label closes an hour of the day, with `heure`; what no clock showed is rejected.

    A blank row is not: archives have one for each arc at the 02:00 that the spring clock skips.
    """
    codes, texts = _texts(rows["t_1h"])
    moments, midnight, end = [parse_road_label(text) for text in texts], datetime.combine(day, time()), max(labels)
    hours = [np.nan if wall is None else labels.get(wall, np.nan) for wall in moments]
    strange = [wall is not None and midnight < wall < end and wall not in labels for wall in moments]
    off_clock = pd.Series(np.array(strange, dtype=bool)[codes], rows.index)
    measured = [~_numbers(rows.loc[off_clock, name])[1] for name in ("debit", "taux_occupation")]
    off_clock[off_clock] = measured[0] | measured[1]
    unread = pd.Series(np.array([wall is None for wall in moments], dtype=bool)[codes], rows.index)
    rows = rows.assign(heure=np.array(hours, dtype=float)[codes])
    rows = without_rejects(rows, {"date_illisible": unread, "heure_inexistante": off_clock}, SHOWN, quality, line)
    return rows[rows["heure"].notna()].astype({"heure": np.int64})


def _texts(values: pd.Series) -> tuple[npt.NDArray[np.intp], list[str]]:
    """Find the different texts, the last of them blank, and of each value its place among them: of a missing one -1."""
    if pd.api.types.infer_dtype(values) != "string":  # of an API answer: numbers, even objects
        values = values.map(str, na_action="ignore").astype(object)
    codes, found = pd.factorize(values.to_numpy(dtype=object))
    return codes, [*found, ""]


def _numbers(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Read the numbers, NaN where there is no finite one, and which are blank. Each different text is read once."""
    codes, texts = _texts(values)
    numbers = pd.to_numeric(pd.Series(point_decimals(texts), dtype=object), errors="coerce").to_numpy(dtype=float)
    blank = np.array([not text.strip() for text in texts], dtype=bool)
    finite = np.where(np.isfinite(numbers), numbers, np.nan)
    return pd.Series(finite[codes], values.index), pd.Series(blank[codes], values.index) | values.isna()
