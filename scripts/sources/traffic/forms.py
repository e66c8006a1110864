"""Disruptions out of API responses, both raw forms brought to one record.

Navitia (`disruptions` and `line_reports` responses): snake_case, severity object, lines in impacted_objects. PRIM bulk:
camelCase, severity word, lines in lines[].impactedObjects[].disruptionIds. A response may also be one disruption alone
(a JSONL line).
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lib.common.html_text import plain_text
from scripts.sources.traffic.lines import Line, fold
from scripts.sources.traffic.objects import (
    Touched,
    above_line,
    bulk_lines,
    dicts,
    one_of_each,
    read_report,
    touched_lines,
)
from scripts.sources.traffic.periods import parse_time

BLOCKING, DISTURBED, INFORMATION = "bloquante", "perturbée", "information"
SEVERITIES = (BLOCKING, DISTURBED, INFORMATION)  # the worst first

# GTFS-Realtime effects (which Navitia uses) that stop or degrade a service; every other one only informs.
EFFECTS = {
    "NO_SERVICE": BLOCKING,
    "SIGNIFICANT_DELAYS": DISTURBED,
    "REDUCED_SERVICE": DISTURBED,
    "DETOUR": DISTURBED,
    "MODIFIED_SERVICE": DISTURBED,
}
NO_EFFECT_SAID = ("", "UNKNOWN_EFFECT")
# Navitia priorities: LOWER is worse. 0 bloquante, 30 perturbée, 60 information.
BLOCKING_PRIORITY, DISTURBED_PRIORITY = 0, 30

MESSAGE_READ = 20_000  # characters of a raw message; 500 are stored, and some parsers need time squared for more
MOST_PARTS = 1_000  # periods, messages, tags or objects of one disruption; a year of nights is 365 periods

_KEPT = (
    "id", "impact_id", "uri", "disruption_id", "disruptionId", "updated_at", "lastUpdate", "lastUpdated", "severity",
    "cause", "category", "tags", "title", "message", "shortMessage", "messages", "application_periods",
    "applicationPeriods", "impactedSections",
)  # fmt: skip

# What titles say of a line that runs: stops skipped, another way taken, a part cut (but not « entre 22 h et … »).
_LINE_RUNS = re.compile(
    r"(?:non|pas|plus)\s+desservi|\b(?:dessert|desservent)\s+(?:pas|plus)\b|d[ée]viation|\bd[ée]vi[ée]"
    r"|itin[ée]raire\s+modifi|report\s+d.arr[êe]t|arr[êe]ts?(?:\(s\))?\s+(?:non\s+marqu|report|d[ée]plac|supprim|ferm)"
    r"|\bmarque(?:nt|ront|ra)?\s+(?:pas|plus)\b|\b(?:station|gare)s?\b(?:(?!ligne|trafic)[^.:])*?\bferm[ée]"
    r"|\bfermeture\b(?:(?!ligne|trafic)[^.:])*?\b(?:station|gare)s?\b|partiel|\bentre\s+(?!\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Response:
    """One response: its disruptions (raw objects), the lines it names, and which lines each disruption id touches.

    networks: the lines of each network id. made_at: when the publisher made it (UTC), where it says so. page: (number,
    elements in it, elements in all). whole: it has no pages: PRIM bulk, or the answer that nothing is disturbed.
    """

    disruptions: list[Any]
    named: list[Line] = field(default_factory=list)
    touched: dict[str, list[Touched]] = field(default_factory=dict)
    networks: dict[str, list[Line]] = field(default_factory=dict)
    made_at: datetime | None = None
    page: tuple[int, int, int] | None = None
    whole: bool = False

    def lines_touched_by(self, raw: dict[str, Any], identifier: str) -> list[Touched]:
        """List the lines that one of its disruptions touches, each once."""
        return touched_lines(raw, self.touched.get(identifier, []), self.networks)


def read_response(body: Any) -> Response | None:
    """Read the response in a JSON value; None when it is none of ours (an error page, another API).

    {"error": {"id": "no_solution"}} is a normal answer: nothing is disturbed.
    """
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    nothing = isinstance(error, dict) and error.get("id") == "no_solution"
    if isinstance(body.get("disruptions"), list):
        named, touched = bulk_lines(body)
        under: dict[str, list[Line]] = {}
        for report in dicts(body.get("line_reports")):
            read_report(report, named, touched, under)
        whole = nothing or isinstance(body.get("lines"), list)
        page = _page(body.get("pagination"))
        return Response(body["disruptions"], named, touched, under, _made_at(body), page, whole)
    if nothing:
        return Response([], made_at=_made_at(body), whole=True)
    if "application_periods" in body or "applicationPeriods" in body:
        return Response([body])
    return None


def essential(raw: dict[str, Any]) -> dict[str, Any]:
    """Drop from a disruption what no figure needs: of what it touches, the lines are read before."""
    return {name: _part(raw[name]) for name in _KEPT if name in raw}


def slim(item: Any) -> Any:
    """Make an item of a long response smaller: the essential of a disruption, one object of each sort it touches."""
    if not isinstance(item, dict) or "impactedObjects" in item:
        return item
    if "line" in item and "application_periods" not in item:
        return {"line": item["line"], "pt_objects": above_line(item)}  # of a line report
    return {**essential(item), "impacted_objects": one_of_each(item, MOST_PARTS)}


def _part(value: Any) -> Any:
    if isinstance(value, str):
        return value[:MESSAGE_READ]
    return value[:MOST_PARTS] if isinstance(value, list) else value


def identity(raw: dict[str, Any]) -> str | None:
    """Return the id of one disruption: that of the impact, which both forms share."""
    names = ("id", "impact_id", "uri", "disruption_id", "disruptionId")
    return next((str(raw[name]) for name in names if raw.get(name) not in (None, "")), None)


def family(raw: dict[str, Any]) -> str | None:
    """Return what stays the same when a disruption is revised: each revision has a new id (measured on captures).

    One disruption may be several impacts at once, each a record of its own.
    """
    found = raw.get("disruption_id", raw.get("disruptionId"))
    return str(found) if found not in (None, "") else None


def updated_at(raw: dict[str, Any]) -> str:
    """Return when the disruption was last revised, as text that sorts by time; empty when it does not say."""
    moment = parse_time(raw.get("updated_at") or raw.get("lastUpdate") or raw.get("lastUpdated"))
    return moment.isoformat() if moment else ""


def severity(raw: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return (severity as its publisher says it, effect); the severity is None when nothing known is said.

    The effect decides, then the severity's name, then its priority (lower is worse).
    """
    said = raw.get("severity")
    if isinstance(said, str):
        said = {"name": said}
    if not isinstance(said, dict):
        return None, None
    effect = str(said.get("effect") or "").upper()
    if effect not in NO_EFFECT_SAID:
        return EFFECTS.get(effect, INFORMATION), effect
    for known in SEVERITIES:
        if fold(str(said.get("name") or "")) == fold(known):
            return known, effect or None
    priority = said.get("priority")
    if isinstance(priority, int | float):
        worst = BLOCKING if priority <= BLOCKING_PRIORITY else DISTURBED
        return worst if priority <= DISTURBED_PRIORITY else INFORMATION, effect or None
    return None, effect or None


def texts(raw: dict[str, Any]) -> tuple[str, str]:
    """Return (title, message) as plain text; empty where there is none."""
    by_kind: dict[str, str] = {}
    for one in dicts(raw.get("messages")):
        channel = one.get("channel")
        kinds = channel.get("types") if isinstance(channel, dict) else None
        for kind in kinds if isinstance(kinds, list) and kinds else ["?"]:
            by_kind.setdefault(str(kind), _text(one.get("text")))
    title = _text(raw.get("title")) or by_kind.pop("title", "")
    message = _text(raw.get("message")) or by_kind.get("web") or next(iter(by_kind.values()), "")
    return title, message or _text(raw.get("shortMessage"))


def tags(raw: dict[str, Any]) -> list[str]:
    """List the tags, in the order of the source."""
    found = raw.get("tags")
    return [str(tag) for tag in found] if isinstance(found, list) else []


def line_runs(title: str) -> bool:
    """Tell whether the title of a disruption says that its line runs, whatever the effect."""
    return _LINE_RUNS.search(title) is not None


def _made_at(body: dict[str, Any]) -> datetime | None:
    context = body.get("context")
    moment = context.get("current_datetime") if isinstance(context, dict) else body.get("lastUpdatedDate")
    return parse_time(moment)


def _page(pagination: Any) -> tuple[int, int, int] | None:
    if not isinstance(pagination, dict):
        return None
    start, size, total = (pagination.get(name) for name in ("start_page", "items_on_page", "total_result"))
    if not isinstance(size, int) or not isinstance(total, int):
        return None
    return start if isinstance(start, int) else 0, size, total


def _text(value: Any) -> str:
    return plain_text(value[:MESSAGE_READ]) if isinstance(value, str) else ""
