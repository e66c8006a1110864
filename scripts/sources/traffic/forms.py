"""Disruptions out of API responses, both raw forms brought to one record.

Navitia (`disruptions` and `line_reports` responses): snake_case, severity object, lines in impacted_objects. PRIM bulk:
camelCase, severity word, lines in lines[].impactedObjects[].disruptionIds. A response may also be one disruption alone
(a JSONL line). Stations and lifts are objects too: only an object that is a line (or a part of one) touches a line.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lib.common.html_text import plain_text
from scripts.sources.traffic.lines import Line, distinct, fold, make_line
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
    "applicationPeriods",
)  # fmt: skip

_LINE_TYPES = ("line", "line_section", "rail_section", "route")


@dataclass(frozen=True)
class Response:
    """One response: its disruptions (raw objects), the lines it names, and which lines each disruption id touches.

    made_at: when the publisher made it (UTC), where it says so. page: (first element, elements in it, elements in all).
    """

    disruptions: list[Any]
    named: list[Line] = field(default_factory=list)
    touched: dict[str, list[Line]] = field(default_factory=dict)
    made_at: datetime | None = None
    page: tuple[int, int, int] | None = None


def read_response(body: Any) -> Response | None:
    """The response in a JSON value, or None when it is none of ours (an error page, another API).

    {"error": {"id": "no_solution"}} is a normal answer: nothing is disturbed.
    """
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    if isinstance(body.get("disruptions"), list):
        named, touched = _bulk_lines(body)
        for report in _dicts(body.get("line_reports")):
            named += _present([_navitia_line(report.get("line"))])
        return Response(body["disruptions"], named, touched, _made_at(body), _page(body.get("pagination")))
    if isinstance(error, dict) and error.get("id") == "no_solution":
        return Response([], made_at=_made_at(body))
    if "application_periods" in body or "applicationPeriods" in body:
        return Response([body])
    return None


def essential(raw: dict[str, Any]) -> dict[str, Any]:
    """A disruption without what no figure needs: of what it touches, the lines are read before."""
    return {name: _part(raw[name]) for name in _KEPT if name in raw}


def slim(item: Any) -> Any:
    """An item of a long response, smaller: the essential of a disruption and one object for each line it touches."""
    if not isinstance(item, dict) or "impactedObjects" in item:
        return item
    if "line" in item and "application_periods" not in item:
        return {"line": item["line"]}  # of a line report
    objects: dict[str, Any] = {}
    for one in _dicts(item.get("impacted_objects"))[:MOST_PARTS]:
        line = _object_line(one.get("pt_object", one))
        if line:
            objects.setdefault(line.key, one)
    return {**essential(item), "impacted_objects": list(objects.values())}


def _part(value: Any) -> Any:
    if isinstance(value, str):
        return value[:MESSAGE_READ]
    return value[:MOST_PARTS] if isinstance(value, list) else value


def identity(raw: dict[str, Any]) -> str | None:
    """The id of one disruption: that of the impact, which both forms share."""
    names = ("id", "impact_id", "uri", "disruption_id", "disruptionId")
    return next((str(raw[name]) for name in names if raw.get(name) not in (None, "")), None)


def family(raw: dict[str, Any]) -> str | None:
    """What stays the same when the publisher revises a disruption: each revision has a new id (measured on captures).

    One disruption may be several impacts at once, each a record of its own.
    """
    found = raw.get("disruption_id", raw.get("disruptionId"))
    return str(found) if found not in (None, "") else None


def updated_at(raw: dict[str, Any]) -> str:
    """When the disruption was last revised, as text that sorts by time; empty when it does not say."""
    moment = parse_time(raw.get("updated_at") or raw.get("lastUpdate") or raw.get("lastUpdated"))
    return moment.isoformat() if moment else ""


def severity(raw: dict[str, Any]) -> tuple[str | None, str | None]:
    """(severity as stored, effect); the severity is None when nothing known is said.

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
    """(title, message) as plain text; empty where there is none."""
    by_kind: dict[str, str] = {}
    for one in _dicts(raw.get("messages")):
        channel = one.get("channel")
        kinds = channel.get("types") if isinstance(channel, dict) else None
        for kind in kinds if isinstance(kinds, list) and kinds else ["?"]:
            by_kind.setdefault(str(kind), _text(one.get("text")))
    title = _text(raw.get("title")) or by_kind.pop("title", "")
    message = _text(raw.get("message")) or by_kind.get("web") or next(iter(by_kind.values()), "")
    return title, message or _text(raw.get("shortMessage"))


def tags(raw: dict[str, Any]) -> list[str]:
    """The tags, in the order of the source."""
    found = raw.get("tags")
    return [str(tag) for tag in found] if isinstance(found, list) else []


def impacted_lines(raw: dict[str, Any]) -> list[Line]:
    """The lines of a Navitia disruption's own objects, each once."""
    objects = _dicts(raw.get("impacted_objects", raw.get("impactedObjects")))
    return distinct(_present([_object_line(one.get("pt_object", one)) for one in objects]))


def _object_line(target: Any) -> Line | None:
    if not isinstance(target, dict):
        return None
    kind = target.get("embedded_type") or target.get("type")
    inner = target.get(str(kind))
    nested = (
        inner.get("line") if isinstance(inner, dict) and isinstance(inner.get("line"), dict) else target.get("line")
    )
    if isinstance(nested, dict):
        return _navitia_line(nested, target.get("name"))
    identifier = str(target.get("id") or "")
    if identifier.startswith("line:") or kind == "line":
        return _navitia_line(target)
    return None


def _navitia_line(line: Any, name: Any = None) -> Line | None:
    """The line of {id, code, name, commercial_mode, physical_modes} or of PRIM's {id, shortName, name, mode}."""
    if not isinstance(line, dict):
        return None
    modes = [line.get("commercial_mode"), *_dicts(line.get("physical_modes"))]
    words = [str(mode[key]) for mode in modes if isinstance(mode, dict) for key in ("name", "id") if mode.get(key)]
    if isinstance(line.get("mode"), str):
        words.insert(0, line["mode"])
    names = [str(value) for value in (line.get("code"), line.get("shortName"), line.get("name"), name) if value]
    return make_line(str(line["id"]) if line.get("id") else None, words, names)


def _bulk_lines(body: dict[str, Any]) -> tuple[list[Line], dict[str, list[Line]]]:
    """The lines of a PRIM response, and the lines that each disruption id touches."""
    named: list[Line] = []
    touched: dict[str, list[Line]] = {}
    for raw in _dicts(body.get("lines")):
        line = _navitia_line(raw)
        if line is None:
            continue
        named.append(line)
        for target in _dicts(raw.get("impactedObjects")):
            ids = target.get("disruptionIds")
            if _is_line(target) and isinstance(ids, list):
                for identifier in ids:
                    touched.setdefault(str(identifier), []).append(line)
    return named, {
        identifier: list({line.key: line for line in lines}.values()) for identifier, lines in touched.items()
    }


def _is_line(target: dict[str, Any]) -> bool:
    kind, identifier = target.get("type"), str(target.get("id") or "line:")
    return kind in _LINE_TYPES if kind else identifier.startswith("line:")


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


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _present(lines: list[Line | None]) -> list[Line]:
    return [line for line in lines if line is not None]
