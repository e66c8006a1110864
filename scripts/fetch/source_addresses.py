"""Which address, with which parameters and which key, answers for which source and day. No request is made here.

The portal exports one day at a time through `where=`: 72 000 rows of road counts instead of 6 GB. Its date literals are
read in the `timezone` asked for. PRIM and the weather services answer about now and the last days only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from lib.common.errors import ConfigError, InputError, NoDataError
from lib.common.settings import Settings

DATASETS = {
    "bikes": "comptage-velo-donnees-compteurs",
    "comptages": "comptages-routiers-permanents",
    "chantiers": "chantiers-perturbants",
    "referentiel": "referentiel-comptages-routiers",
    "arrondissements": "arrondissements",
}
WHOLE = ("chantiers", "referentiel", "arrondissements")  # exported as they stand, whatever the day
SOURCES = ("bikes", "traffic", "weather", "comptages", *WHOLE)

MEGABYTE = 1_000_000
DAY_OF_COUNTS_MAX = 500 * MEGABYTE  # a day is about 30 MB; more means that `where` was not obeyed
EXPORT_MAX = 500 * MEGABYTE
ANSWER_MAX = 60 * MEGABYTE  # JSON is read whole to be checked
EXPORT_SECONDS, ANSWER_SECONDS = 3600.0, 300.0  # all tries and waits included

PRIM_TELLS = timedelta(days=7)  # a later pull is too far from the day for process_traffic to read it
PRIM_PAGE = 100  # lines per page; the whole network is about ten pages
PRIM_PAGES_MAX = 60  # of the 1 000 requests a day that a key allows
ARCHIVE_AFTER = timedelta(days=10)  # Open-Meteo: its archive lags by some days, its forecast also tells the last ones
PARIS_PLACE = {"latitude": "48.8566", "longitude": "2.3522", "timezone": "Europe/Paris"}
OPEN_METEO_HOURLY = "temperature_2m,precipitation,wind_speed_10m,weather_code"
OPEN_METEO_DAILY = "temperature_2m_max,temperature_2m_min,temperature_2m_mean,precipitation_sum,wind_speed_10m_max"


@dataclass(frozen=True)
class Address:
    """One request: what it is for, where it goes, and how much and how long it may take.

    `day` is None for a whole dataset; `name` tells the publisher in messages; `secrets` are the texts of the request
    that no message may show.
    """

    source: str
    day: date | None
    name: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    key_setting: str = ""  # the setting of its key, for the way out of a refusal
    max_bytes: int = ANSWER_MAX
    max_seconds: float = ANSWER_SECONDS


def source_address(settings: Settings, source: str, day: date, today: date) -> Address:
    """The request for a source and day, on the civil day `today`; the first page where there are several.

    ConfigError for a missing or malformed key, NoDataError for a day that the publisher no longer tells about.
    """
    if source == "traffic":
        return _disruptions(settings, day, today)
    if source == "weather":
        return _visual_crossing(settings, day) if settings.visualcrossing_api_key else _open_meteo(settings, day, today)
    return _export(settings, source, day)


def next_page(address: Address, body: Any) -> Address | None:
    """The request for the page of disruptions after the one whose body this is; None after the last.

    InputError when pages are left that are not to be asked for: another page came than the one asked for, or
    PRIM_PAGES_MAX came already.
    """
    page = body.get("pagination") if isinstance(body, dict) else None
    if not isinstance(page, dict) or address.source != "traffic":
        return None
    start, size, total = (page.get(name) for name in ("start_page", "items_per_page", "total_result"))
    if not isinstance(start, int) or not isinstance(size, int) or not isinstance(total, int):
        return None
    asked = int(address.params["start_page"])
    if start != asked:
        raise InputError(f"{address.name} envoie la page {start} au lieu de la page {asked}.", "Relancer plus tard.")
    following = asked + 1
    if not page.get("items_on_page") or following * size >= total:
        return None
    if following >= PRIM_PAGES_MAX:
        told = f"{address.name} annonce {total} perturbations : arrêt après {PRIM_PAGES_MAX} pages de {size}."
        raise InputError(told, "Les pages reçues sont gardées ; relancer plus tard.")
    return replace(address, params={**address.params, "start_page": str(following)})


def day_filter(source: str, day: date) -> str:
    """The `where` of a day's rows: road labels name the END of the hour, bike labels its start."""
    first, last = f"date'{day}T00:00:00'", f"date'{day + timedelta(days=1)}T00:00:00'"
    if source == "comptages":
        return f"t_1h > {first} and t_1h <= {last}"
    return f"date >= {first} and date < {last}"


def _export(settings: Settings, source: str, day: date) -> Address:
    kind = {"bikes": "json", "arrondissements": "geojson"}.get(source, "csv")
    params = {"lang": "fr", "timezone": "Europe/Paris"}
    if kind == "csv":
        params |= {"use_labels": "true", "delimiter": ";"}
    if source not in WHOLE:
        params |= {"where": day_filter(source, day)}
    return Address(
        source,
        None if source in WHOLE else day,
        "le portail de la Ville de Paris",
        f"{settings.portal_url}/catalog/datasets/{DATASETS[source]}/exports/{kind}",
        params,
        max_bytes=DAY_OF_COUNTS_MAX if source == "comptages" else EXPORT_MAX if kind == "csv" else ANSWER_MAX,
        max_seconds=EXPORT_SECONDS if kind == "csv" else ANSWER_SECONDS,
    )


def _disruptions(settings: Settings, day: date, today: date) -> Address:
    key = settings.idfm_api_key
    _require_key(key, "IDFM_API_KEY", "Créer une clé gratuite sur prim.iledefrance-mobilites.fr et l'écrire dans .env.")
    if today - day > PRIM_TELLS:
        raise NoDataError(
            f"PRIM ne dit que le présent : les perturbations du {day} ne peuvent plus lui être demandées.",
            "Pour un jour passé : make fetch ORIGIN=s3 SOURCE=traffic",
        )
    window = {"since": f"{day:%Y%m%d}T000000", "until": f"{day + timedelta(days=1):%Y%m%d}T040000"}  # end of service
    return Address(
        "traffic",
        day,
        "PRIM (Île-de-France Mobilités)",
        settings.prim_url,
        {**window, "count": str(PRIM_PAGE), "start_page": "0", "disable_geojson": "true"},
        {"apikey": key},
        (key,),
        "IDFM_API_KEY",
    )


def _visual_crossing(settings: Settings, day: date) -> Address:
    key = settings.visualcrossing_api_key
    _require_key(key, "VISUALCROSSING_API_KEY", "La corriger, ou la vider pour demander à Open-Meteo.")
    return Address(
        "weather",
        day,
        "Visual Crossing",
        f"{settings.visualcrossing_url}/Paris,France/{day}/{day}",
        {"unitGroup": "metric", "include": "days,hours", "key": key},
        secrets=(key, quote(key, safe="")),
        key_setting="VISUALCROSSING_API_KEY",
    )


def _open_meteo(settings: Settings, day: date, today: date) -> Address:
    """Asked up to the next day, because an hour's rain is on the label that ends it."""
    old = today - day > ARCHIVE_AFTER
    span = {"start_date": day.isoformat(), "end_date": (day + timedelta(days=1)).isoformat()}
    return Address(
        "weather",
        day,
        "Open-Meteo",
        settings.open_meteo_archive_url if old else settings.open_meteo_url,
        {**PARIS_PLACE, **span, "hourly": OPEN_METEO_HOURLY, "daily": OPEN_METEO_DAILY},
    )


def _require_key(key: str, name: str, way_out: str) -> None:
    if not key:
        raise ConfigError(f"{name} n'est pas réglée (cherchée dans : environnement, .env).", way_out)
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"{name} contient un caractère impossible dans une clé.", way_out)
