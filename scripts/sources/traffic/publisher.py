"""What PRIM is asked for about the disruptions of a day, page by page, and how its answers are checked.

PRIM tells about now and the last days only.
"""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from lib.common.errors import InputError, NoDataError
from lib.common.settings import Settings
from scripts.sources.answers import json_body, unexpected
from scripts.sources.publishers import Address, require_key
from scripts.sources.traffic.forms import read_response

PRIM_TELLS = timedelta(days=7)  # a later pull is too far from the day for process_traffic to read it
PRIM_PAGE = 100  # lines per page; the whole network is about ten pages
PRIM_PAGES_MAX = 60  # of the 1 000 requests a day that a key allows


def address(settings: Settings, day: date, today: date) -> Address:
    """Ask for the first page of the disruptions in force during a day.

    ConfigError for a missing or malformed key, NoDataError for a day that PRIM no longer tells about.
    """
    key = settings.idfm_api_key
    require_key(key, "IDFM_API_KEY", "Créer une clé gratuite sur prim.iledefrance-mobilites.fr et l'écrire dans .env.")
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


def check_answer(asked: Address, path: Path) -> Any:
    """Return the body, which is an answer of line_reports."""
    body = json_body(asked, path)
    if read_response(body) is None:
        raise unexpected(asked, "ce n'est pas une réponse line_reports", json.dumps(body).encode())
    return body


def next_page(asked: Address, body: Any) -> Address | None:
    """Return the request for the page of disruptions after the one whose body this is; None after the last.

    InputError when pages are left that are not to be asked for: another page came than the one asked for, or
    PRIM_PAGES_MAX came already.
    """
    page = body.get("pagination") if isinstance(body, dict) else None
    if not isinstance(page, dict):
        return None
    start, size, total = (page.get(name) for name in ("start_page", "items_per_page", "total_result"))
    if not isinstance(start, int) or not isinstance(size, int) or not isinstance(total, int):
        return None
    number = int(asked.params["start_page"])
    if start != number:
        raise InputError(f"{asked.name} envoie la page {start} au lieu de la page {number}.", "Relancer plus tard.")
    following = number + 1
    if not page.get("items_on_page") or following * size >= total:
        return None
    if following >= PRIM_PAGES_MAX:
        text = f"{asked.name} annonce {total} perturbations : arrêt après {PRIM_PAGES_MAX} pages de {size}."
        raise InputError(text, "Les pages reçues sont gardées ; relancer plus tard.")
    return replace(asked, params={**asked.params, "start_page": str(following)})
