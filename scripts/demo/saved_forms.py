"""The forms that files get on their way to a user's folder: saved by other tools, refused, or put there by mistake.

No figure rests on them: what they hold is told by the other files as well. Days are those of the pull, before the end:
    bikes, 13 h   -1 the first page alone of a paged answer   0 UTF-16   1 Windows-1252   2 gzip under a plain name
                  3 API v2.0   4 API Gateway body   5 {"data": …}   6 GeoJSON   7 milliseconds, by pandas
                  8 .NDJSON   9 a zip of one CSV, cut in its last line
    day after the end   a quota text (bikes, 14 h), refusals (weather and traffic, 8 h)
    batch/        a page of HTML under an export's name, a note, an export of an unknown name, one saved by Excel
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from lib.common.paris_time import parse_road_label
from lib.files.atomic_file import write_atomically
from scripts.demo.options import Options, pull_file

Records = list[dict[str, Any]]

SAVED_HOUR, REFUSAL_HOUR, QUOTA_HOUR = 13, 8, 14
FIRST_PAGE = 10  # records
CUT_OFF = 60  # bytes: the last record ends within its place
EXCEL_ROWS = 200
SAMPLE = 200_000  # bytes of the export of which rows are saved again
NOTE, UNKNOWN = "notes de réunion.docx", "mesures 2019.csv"
EXCEL, PAGE = "archives/2025-comptages-routiers-permanents.CSV", "comptages-routiers-permanents (1).csv"
BATCH_NAMES = (NOTE, UNKNOWN, EXCEL, PAGE)
_NUMBER = re.compile(r"[0-9]+\.[0-9]+")
REFUSALS = {
    "weather": {"error": True, "reason": "Daily API request limit exceeded. Please try again tomorrow."},
    "traffic": {"message": "API rate limit exceeded"},
}


def saved_bikes(days_before_end: int, records: Records) -> tuple[bytes, str] | None:
    """Write the records of the noon pull in the form of that day, and the suffix of its file; None on another day."""
    form = FORMS.get(days_before_end)
    return form(records) if form else None


def write_refusal(root: Path, options: Options, source: str) -> None:
    """Leave what a publisher's service says instead of data, saved as a pull of the day after the end."""
    day = options.pull_days()[-1]
    if source in REFUSALS:
        write_atomically(saved_file(pull_file(root, source, day, REFUSAL_HOUR)), _json(REFUSALS[source]))
    else:
        text = b"You have exceeded the maximum number of daily result records for your account."
        write_atomically(saved_file(pull_file(root, source, day, QUOTA_HOUR)), text)


def write_batch_strays(root: Path, export: Path) -> None:
    """Leave the files of BATCH_NAMES; the rows that Excel saved are sound ones of the export."""
    page = b"<!DOCTYPE html><html><head><title>503 Service Unavailable</title></head></html>\n"
    contents = {
        NOTE: _zipped("word/document.xml", b"<w:document/>"),
        UNKNOWN: b"arc;mesure\r\n1;2\r\n",
        PAGE: page,
        EXCEL: _saved_by_excel(export),
    }
    for name, content in contents.items():
        write_atomically(root / "batch" / name, content)


def saved_file(pull: Path, suffix: str = ".json") -> Path:
    """Where a file lies that was saved in the place of a pull."""
    return pull.with_name(f"{pull.name.split('_')[0]}_saved{suffix}")


def _saved_by_excel(export: Path) -> bytes:
    """Rows of an export with `sep=;`, DD/MM/YYYY dates and decimal commas, in Windows-1252."""
    with export.open("rb") as stream:
        text = stream.read(SAMPLE).decode("utf-8-sig", "replace")
    header, *rows = csv.reader(text.splitlines()[:-1], delimiter=";")
    keys = Counter((row[0], row[2]) for row in rows if len(row) == len(header))
    whole = [row for row in rows if len(row) == len(header) and keys[row[0], row[2]] == 1]
    sound = [row for row in whole if _NUMBER.fullmatch(row[3]) and _NUMBER.fullmatch(row[4])]
    written = io.StringIO()
    writer = csv.writer(written, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    dated = [(row, wall) for row in sound if (wall := parse_road_label(row[2]))]
    for row, wall in dated[:EXCEL_ROWS]:
        date = f"{wall:%d/%m/%Y %H:%M}"
        writer.writerow([*row[:2], date, *(text.replace(".", ",") for text in row[3:5]), *row[5:]])
    return f"sep=;\r\n{written.getvalue()}".encode("cp1252", "replace")


def _v20(records: Records) -> bytes:
    return _json({"total_count": len(records), "records": [{"record": {"fields": one}} for one in records]})


def _features(records: Records) -> bytes:
    return _json(
        {
            "type": "FeatureCollection",
            "features": [{"type": "Feature", "geometry": None, "properties": one} for one in records],
        }
    )


def _milliseconds(records: Records) -> bytes:
    return _json([{**one, "date": int(datetime.fromisoformat(one["date"]).timestamp() * 1000)} for one in records])


def _csv(records: Records) -> bytes:
    """Write what pandas does of records: an object is a text of Python."""
    written = io.StringIO()
    writer = csv.DictWriter(written, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return written.getvalue().encode()


def _lines(records: Records) -> bytes:
    return b"".join(_json(one) + b"\n" for one in records)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _zipped(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), content)  # dated 1980: the same bytes each time
    return made.getvalue()


FORMS: dict[int, Callable[[Records], tuple[bytes, str]]] = {
    -1: lambda records: (_json({"total_count": len(records), "results": records[:FIRST_PAGE]}), ".json"),
    0: lambda records: (json.dumps(records, ensure_ascii=False).encode("utf-16-le"), ".json"),
    1: lambda records: (json.dumps(records, ensure_ascii=False).encode("cp1252"), ".json"),
    2: lambda records: (gzip.compress(_json(records), mtime=0), ".json"),
    3: lambda records: (_v20(records), ".json"),
    4: lambda records: (_json({"statusCode": 200, "body": json.dumps({"results": records})}), ".json"),
    5: lambda records: (_json({"data": records}), ".json"),
    6: lambda records: (_features(records), ".geojson"),
    7: lambda records: (_milliseconds(records), ".json"),
    8: lambda records: (_lines(records), ".NDJSON"),
    9: lambda records: (_zipped("bikes.csv", _csv(records)[:-CUT_OFF]), ".zip"),
}
