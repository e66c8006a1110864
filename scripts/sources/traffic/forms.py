"""Disruptions out of API responses, both raw forms brought to one record.

Navitia (`disruptions` and `line_reports` responses): snake_case, severity object, lines in impacted_objects. PRIM bulk:
camelCase, severity word, lines in lines[].impactedObjects[].disruptionIds. A response may also be one disruption alone
(a JSONL line). Stations and lifts are objects too: only an object that is a line (or a part of one), or the network
that a line stands under, touches a line. It touches the whole line where no stop and no section is listed beside it.
"""

import re
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
    "applicationPeriods", "impactedSections",
)  # fmt: skip

_LINE_TYPES = ("line", "line_section", "rail_section", "route")
_STOP_TYPES = ("stop_point", "stop_area")

# What titles say of a line that runs: stops skipped, another way taken, a part cut (but not « entre 22 h et … »).
_LINE_RUNS = re.compile(
    r"(?:non|pas|plus)\s+desservi|\b(?:dessert|desservent)\s+(?:pas|plus)\b|d[ée]viation|\bd[ée]vi[ée]"
    r"|itin[ée]raire\s+modifi|report\s+d.arr[êe]t|arr[êe]ts?(?:\(s\))?\s+(?:non\s+marqu|report|d[ée]plac|supprim|ferm)"
    r"|\bmarque(?:nt|ront|ra)?\s+(?:pas|plus)\b|\b(?:station|gare)s?\b(?:(?!ligne|trafic)[^.:])*?\bferm[ée]"
    r"|\bfermeture\b(?:(?!ligne|trafic)[^.:])*?\b(?:station|gare)s?\b|partiel|\bentre\s+(?!\d)",
    re.IGNORECASE,
)

Touched = tuple[Line, bool]  # a line, and whether it is touched as a whole


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


def read_response(body: Any) -> Response | None:
    """Read the response in a JSON value; None when it is none of ours (an error page, another API).

    {"error": {"id": "no_solution"}} is a normal answer: nothing is disturbed.
    """
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    nothing = isinstance(error, dict) and error.get("id") == "no_solution"
    if isinstance(body.get("disruptions"), list):
        named, touched = _bulk_lines(body)
        under: dict[str, list[Line]] = {}
        for report in _dicts(body.get("line_reports")):
            _read_report(report, named, touched, under)
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
        above = [one for one in _dicts(item.get("pt_objects")) if _kind(one) == "network"]
        return {"line": item["line"], "pt_objects": above}  # of a line report
    objects: dict[Any, Any] = {}
    for one in _objects(item)[:MOST_PARTS]:
        target = _target(one)
        line, kind = _object_line(target), _kind(target)
        if line or kind in (*_STOP_TYPES, "network"):
            which = line.key if line else target.get("id") if kind == "network" else None
            objects.setdefault((kind, str(which), _is_part(one)), one)
    return {**essential(item), "impacted_objects": list(objects.values())}


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
    for one in _dicts(raw.get("messages")):
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


def touched_lines(raw: dict[str, Any], response: Response, identifier: str) -> list[Touched]:
    """List the lines that a disruption touches, by its own objects and by those of the response, each once.

    Stops or sections of the disruption's own are parts of every line that it touches.
    """
    objects = _objects(raw)
    parts = bool(_dicts(raw.get("impactedSections"))) or any(_kind(_target(one)) in _STOP_TYPES for one in objects)
    found = [(line, not _is_part(one)) for one in objects if (line := _object_line(_target(one)))]
    for network in networks(raw):
        found += [(line, True) for line in response.networks.get(network, [])]
    found += response.touched.get(identifier, [])
    return together([(line, whole and not parts) for line, whole in found])


def networks(raw: dict[str, Any]) -> list[str]:
    """List the ids of the networks that a disruption's own objects name."""
    targets = map(_target, _objects(raw))
    return [str(target.get("id")) for target in targets if _kind(target) == "network"]


def together(touched: list[Touched]) -> list[Touched]:
    """Keep each line once; a line of which a part is named is not touched as a whole."""
    parts = {line.key for line, whole in touched if not whole}
    return [(line, line.key not in parts) for line in distinct(line for line, _ in touched)]


def _objects(raw: dict[str, Any]) -> list[dict[str, Any]]:
    return _dicts(raw.get("impacted_objects", raw.get("impactedObjects")))


def _target(impacted: dict[str, Any]) -> Any:
    return impacted.get("pt_object", impacted)


def _kind(target: Any) -> str | None:
    found = (target.get("embedded_type") or target.get("type")) if isinstance(target, dict) else None
    return found if isinstance(found, str) else None


def _is_part(impacted: dict[str, Any]) -> bool:
    """Tell whether an impacted object is a part of a line: a section, stops, one direction."""
    named = any(impacted.get(f"impacted_{name}") for name in ("section", "rail_section", "stops"))
    return named or _kind(_target(impacted)) in _LINE_TYPES[1:]


def _object_line(target: Any) -> Line | None:
    if not isinstance(target, dict):
        return None
    kind = _kind(target)
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
    """Read the line of {id, code, name, commercial_mode, physical_modes} or of PRIM's {id, shortName, name, mode}."""
    if not isinstance(line, dict):
        return None
    modes = [line.get("commercial_mode"), *_dicts(line.get("physical_modes"))]
    words = [str(mode[key]) for mode in modes if isinstance(mode, dict) for key in ("name", "id") if mode.get(key)]
    if isinstance(line.get("mode"), str):
        words.insert(0, line["mode"])
    names = [str(value) for value in (line.get("code"), line.get("shortName"), line.get("name"), name) if value]
    return make_line(str(line["id"]) if line.get("id") else None, words, names)


def _bulk_lines(body: dict[str, Any]) -> tuple[list[Line], dict[str, list[Touched]]]:
    """Read the lines of a PRIM response, and the lines that each disruption id touches.

    An id that stands under a line itself, a part of it or its network touches it; one that stands under its stops as
    well touches these stops only.
    """
    named: list[Line] = []
    touched: dict[str, list[Touched]] = {}
    for raw in _dicts(body.get("lines")):
        line = _navitia_line(raw)
        if line is None:
            continue
        named.append(line)
        objects = [one for one in _dicts(raw.get("impactedObjects")) if isinstance(one.get("disruptionIds"), list)]
        parts = {str(one) for target in objects if not _is_whole(target) for one in target["disruptionIds"]}
        for target in objects:
            if _is_whole(target) or _kind(target) in _LINE_TYPES:
                for identifier in map(str, target["disruptionIds"]):
                    touched.setdefault(identifier, []).append((line, identifier not in parts))
    return named, touched


def _is_whole(target: dict[str, Any]) -> bool:
    """Tell whether an object under a line of PRIM bulk is the line itself or its network."""
    kind, identifier = _kind(target), str(target.get("id") or "line:")
    return kind in ("line", "network") if kind else identifier.startswith("line:")


def _read_report(
    report: dict[str, Any], named: list[Line], touched: dict[str, list[Touched]], under: dict[str, list[Line]]
) -> None:
    """Add the line of a line report, the network it is of, and what the report says of that network."""
    line = _navitia_line(report.get("line"))
    if line is None:
        return
    named.append(line)
    own = report["line"].get("network")
    others = [one.get("network", one) for one in _dicts(report.get("pt_objects")) if _kind(one) == "network"]
    for network in _dicts([own, *others]):
        if network.get("id"):
            under.setdefault(str(network["id"]), []).append(line)
        for link in _dicts(network.get("links")):
            if link.get("type") == "disruption":
                touched.setdefault(str(link.get("id")), []).append((line, True))


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
