"""Whether what arrived is what was asked for, before it replaces anything: looked at in the partial file.

A page of HTML, an error object, an empty export and a body cut short all come with « 200 OK » in the field.
"""

import csv
import json
from pathlib import Path
from typing import Any

from lib.common.errors import InputError, NoDataError
from lib.common.paris_time import PARIS, parse_instant, parse_road_label, road_label_hours
from lib.raw.csv_dialect import Aliases, canonical, detect_delimiter, split_row
from lib.raw.json_records import records
from scripts.fetch.source_addresses import Address
from scripts.sources.bikes.records import COLUMNS as BIKE_COLUMNS
from scripts.sources.chantiers.records import COLUMNS as WORK_COLUMNS
from scripts.sources.chantiers.records import REQUIRED as WORK_REQUIRED
from scripts.sources.comptages.export import COLUMNS as COUNT_COLUMNS
from scripts.sources.comptages.export import REQUIRED as COUNT_REQUIRED
from scripts.sources.referentiel.records import COLUMNS as ARC_COLUMNS
from scripts.sources.traffic.forms import read_response
from scripts.sources.weather.open_meteo import column, is_open_meteo

CSV_COLUMNS: dict[str, tuple[Aliases, tuple[str, ...]]] = {
    "comptages": (COUNT_COLUMNS, COUNT_REQUIRED),
    "chantiers": (WORK_COLUMNS, WORK_REQUIRED),
    "referentiel": (ARC_COLUMNS, ("identifiant_arc", "geo_shape")),
}
ARRONDISSEMENTS = 20
HEAD, TAIL = 64 * 1024, 1024 * 1024  # bytes of a CSV that are looked at
TAIL_LINES = 200  # longest run of lines that one quoted text may span
SHOWN = 200  # characters of an unexpected body

AGAIN = "Relancer make fetch plus tard ; si cela dure, voir ce que l'éditeur annonce sur son site."


def check_arrived(address: Address, path: Path) -> Any:
    """The JSON body of an answer (None for a CSV). InputError when it is not the answer expected; NoDataError when it
    is a right one that holds nothing about the day."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"<":
        raise _unexpected(address, "une page HTML ou XML est arrivée", text)
    if address.source in CSV_COLUMNS:
        if text[:1] == b"{":
            raise _unexpected(address, "un message d'erreur est arrivé", text)
        _check_csv(address, path, head)
        return None
    body = _json(address, path)
    problem = _error_told(body)
    if problem:
        raise _unexpected(address, f"un message d'erreur est arrivé : {problem}")
    _CHECKS[address.source](address, body)
    return body


def _check_csv(address: Address, path: Path, head: bytes) -> None:
    aliases, required = CSV_COLUMNS[address.source]
    lines = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").splitlines()
    if not lines:
        raise _nothing(address)
    delimiter = detect_delimiter(lines[0])
    header = split_row(lines[0], delimiter)
    names = {canonical(name, aliases) for name in header}
    missing = [name for name in required if name not in names]
    if missing:
        raise _unexpected(address, f"pas de colonne « {aliases[missing[0]][0]} »", head)
    if len(lines) < 2:
        raise _nothing(address)
    if not _last_row_is_whole(path, delimiter, len(header)):
        raise _unexpected(address, "le CSV est coupé au milieu d'une ligne")
    if address.day:
        labels = [canonical(name, aliases) for name in header].index("t_1h")
        rows = csv.reader(lines[1:-1] or lines[1:], delimiter=delimiter)
        _check_day(address, [row[labels] for row in rows if len(row) == len(header)])


def _last_row_is_whole(path: Path, delimiter: str, width: int) -> bool:
    """Whether the file ends with as many fields as the header: the shortest run of last lines that reads as a row."""
    with path.open("rb") as stream:
        stream.seek(max(path.stat().st_size - TAIL, 0))
        lines = stream.read().decode("utf-8", "replace").rstrip("\r\n").split("\n")
    for size in range(1, min(TAIL_LINES, len(lines)) + 1):
        text = "\n".join(lines[-size:]).rstrip("\r")
        if text.count('"') % 2 == 0 and len(split_row(text, delimiter, strict=size > 1)) == width:
            return True
    return False


def _check_day(address: Address, labels: list[str]) -> None:
    """At least one row of the beginning is of the day: a filter that is not obeyed, or read in UTC, shows here."""
    wanted = road_label_hours(address.day) if address.day else {}
    if not any(parse_road_label(label) in wanted for label in labels):
        raise _unexpected(address, f"les lignes reçues ne sont pas du jour demandé ({', '.join(labels[:3])}…)")


def _json(address: Address, path: Path) -> Any:
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        data = path.read_bytes()
        if not data.strip():
            raise _unexpected(address, "la réponse est vide") from None
        what = "le JSON est coupé" if data.lstrip()[:1] in (b"{", b"[") else "ce n'est pas du JSON"
        raise _unexpected(address, f"{what} ({error})", data) from None


def _error_told(body: Any) -> str:
    """The publisher's own error, in the forms met (portal, PRIM, Navitia, Open-Meteo); « no_solution » is none."""
    if not isinstance(body, dict):
        return ""
    error = body.get("error")
    if isinstance(error, dict) and error.get("id") != "no_solution":
        return str(error.get("message") or error.get("id") or error)
    if isinstance(error, str) or error is True:
        return str(body.get("reason") or body.get("message") or error)
    if "error_code" in body or set(body) <= {"message", "errorcode", "code", "status"}:
        return str(body.get("message") or body.get("error_code") or body)
    return ""


def _check_bikes(address: Address, body: Any) -> None:
    found = list(records(body))
    if not found:
        raise _nothing(address)
    counts = BIKE_COLUMNS["comptage"]
    usable = [one for one in found if isinstance(one, dict) and "date" in one and any(name in one for name in counts)]
    if not usable:
        raise _unexpected(address, "aucun enregistrement n'a de date et de comptage", json.dumps(found[0]).encode())
    moments = [parse_instant(str(one["date"])) for one in usable]
    if not any(moment and moment.astimezone(PARIS).date() == address.day for moment in moments):
        raise _unexpected(address, f"les lignes reçues ne sont pas du jour demandé ({usable[0]['date']}…)")


def _check_disruptions(address: Address, body: Any) -> None:
    if read_response(body) is None:
        raise _unexpected(address, "ce n'est pas une réponse line_reports", json.dumps(body).encode())


def _check_weather(address: Address, body: Any) -> None:
    days = body.get("days") if isinstance(body, dict) else None
    if isinstance(days, list):
        told = {str(one.get("datetime")) for one in days if isinstance(one, dict) and one.get("temp") is not None}
    elif is_open_meteo(body):
        hours, values = (column(body.get("hourly"), (name,)) for name in ("time", "temperature_2m"))
        told = {str(hour)[:10] for hour, value in zip(hours, values, strict=False) if value is not None}
    else:
        raise _unexpected(address, "ce n'est pas une réponse météo connue", json.dumps(body).encode())
    if address.day and address.day.isoformat() not in told:
        raise NoDataError(f"weather : {address.name} n'a aucune température pour le {address.day}.", AGAIN)


def _check_arrondissements(address: Address, body: Any) -> None:
    features = body.get("features") if isinstance(body, dict) else None
    properties = [one.get("properties") for one in features or [] if isinstance(one, dict)]
    numbers = {one.get("c_ar") for one in properties if isinstance(one, dict)} - {None}
    if len(numbers) != ARRONDISSEMENTS:
        raise _unexpected(address, f"{len(numbers)} arrondissements au lieu de {ARRONDISSEMENTS}")


_CHECKS = {
    "bikes": _check_bikes,
    "traffic": _check_disruptions,
    "weather": _check_weather,
    "arrondissements": _check_arrondissements,
}


def _unexpected(address: Address, what: str, body: bytes = b"") -> InputError:
    shown = " ".join(body[: 4 * SHOWN].decode("utf-8", "replace").split())[:SHOWN]
    for secret in address.secrets:
        what, shown = what.replace(secret, "***"), shown.replace(secret, "***")
    about = f"{address.source} du {address.day}" if address.day else address.source
    return InputError(
        f"{about}, {address.name} : {what}{f' : « {shown} »' if shown else ''}. Rien n'est remplacé.", AGAIN
    )


def _nothing(address: Address) -> NoDataError:
    if address.day is None:
        return NoDataError(f"{address.source} : {address.name} a répondu par un export vide.", AGAIN)
    return NoDataError(
        f"{address.source} : {address.name} a répondu par un export vide pour le {address.day}.",
        "Les comptages sortent un à deux jours après, et restent treize mois : demander un autre jour, ou plus tard.",
    )
