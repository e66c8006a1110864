"""The request that a publisher is sent: address, parameters, key, bounds. No request is made here.

Each source's own is in its room (`publisher.address`). The portal exports one day at a time through `where=`: 72 000
rows of road counts instead of 6 GB.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from lib.common.errors import ConfigError
from lib.common.settings import Settings

MEGABYTE = 1_000_000
EXPORT_MAX = 500 * MEGABYTE
ANSWER_MAX = 60 * MEGABYTE  # JSON is read whole to be checked
EXPORT_SECONDS, ANSWER_SECONDS = 3600.0, 300.0  # all tries and waits included


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


def portal_export(
    settings: Settings, source: str, dataset: str, kind: str, where: str = "", day: date | None = None
) -> Address:
    """Ask for an export of the portal of Paris, as `kind` (csv, json, geojson): whole, or what `where` says of a day.

    `where` may name the midnights that begin and end the day, {first} and {last}; the portal reads them in `timezone`.
    """
    params = {"lang": "fr", "timezone": "Europe/Paris"}
    if kind == "csv":
        params |= {"use_labels": "true", "delimiter": ";"}
    if day:
        ends = {"first": day, "last": day + timedelta(days=1)}
        params["where"] = where.format_map({name: f"date'{one}T00:00:00'" for name, one in ends.items()})
    return Address(
        source,
        day,
        "le portail de la Ville de Paris",
        f"{settings.portal_url}/catalog/datasets/{dataset}/exports/{kind}",
        params,
        max_bytes=EXPORT_MAX if kind == "csv" else ANSWER_MAX,
        max_seconds=EXPORT_SECONDS if kind == "csv" else ANSWER_SECONDS,
    )


def require_key(key: str, name: str, way_out: str) -> None:
    if not key:
        raise ConfigError(f"{name} n'est pas réglée (cherchée dans : environnement, .env).", way_out)
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"{name} contient un caractère impossible dans une clé.", way_out)
