"""The lines that a disruption touches, out of the objects it names and those that its response names it under.

Stations and lifts are objects too: only an object that is a line (or a part of one), or the network that a line stands
under, touches a line. It touches the whole line where no stop and no section is listed beside it.
"""

from typing import Any

from scripts.sources.traffic.lines import Line, distinct, make_line

_LINE_TYPES = ("line", "line_section", "rail_section", "route")
_STOP_TYPES = ("stop_point", "stop_area")

Touched = tuple[Line, bool]  # a line, and whether it is touched as a whole


def touched_lines(raw: dict[str, Any], by_response: list[Touched], under: dict[str, list[Line]]) -> list[Touched]:
    """List the lines that a disruption touches, each once: by its own objects, and what its response says of it.

    `under`: the lines of each network id. Stops or sections of the disruption's own are parts of every line that it
    touches.
    """
    objects = _objects(raw)
    parts = bool(dicts(raw.get("impactedSections"))) or any(_kind(_target(one)) in _STOP_TYPES for one in objects)
    found = [(line, not _is_part(one)) for one in objects if (line := _line(_target(one)))]
    for network in networks(raw):
        found += [(line, True) for line in under.get(network, [])]
    found += by_response
    return together([(line, whole and not parts) for line, whole in found])


def networks(raw: dict[str, Any]) -> list[str]:
    """List the ids of the networks that a disruption's own objects name."""
    targets = map(_target, _objects(raw))
    return [str(target.get("id")) for target in targets if _kind(target) == "network"]


def above_line(report: dict[str, Any]) -> list[dict[str, Any]]:
    """List the networks that stand beside the line of a line report."""
    return [one for one in dicts(report.get("pt_objects")) if _kind(one) == "network"]


def one_of_each(raw: dict[str, Any], most: int) -> list[dict[str, Any]]:
    """Keep, of the first `most` objects of a disruption, one of each sort that decides which lines it touches."""
    kept: dict[Any, dict[str, Any]] = {}
    for one in _objects(raw)[:most]:
        target = _target(one)
        line, kind = _line(target), _kind(target)
        if line or kind in (*_STOP_TYPES, "network"):
            which = line.key if line else target.get("id") if kind == "network" else None
            kept.setdefault((kind, str(which), _is_part(one)), one)
    return list(kept.values())


def together(touched: list[Touched]) -> list[Touched]:
    """Keep each line once; a line of which a part is named is not touched as a whole."""
    parts = {line.key for line, whole in touched if not whole}
    return [(line, line.key not in parts) for line in distinct(line for line, _ in touched)]


def _objects(raw: dict[str, Any]) -> list[dict[str, Any]]:
    return dicts(raw.get("impacted_objects", raw.get("impactedObjects")))


def _target(impacted: dict[str, Any]) -> Any:
    return impacted.get("pt_object", impacted)


def _kind(target: Any) -> str | None:
    found = (target.get("embedded_type") or target.get("type")) if isinstance(target, dict) else None
    return found if isinstance(found, str) else None


def _is_part(impacted: dict[str, Any]) -> bool:
    """Tell whether an impacted object is a part of a line: a section, stops, one direction."""
    named = any(impacted.get(f"impacted_{name}") for name in ("section", "rail_section", "stops"))
    return named or _kind(_target(impacted)) in _LINE_TYPES[1:]


def _line(target: Any) -> Line | None:
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
    modes = [line.get("commercial_mode"), *dicts(line.get("physical_modes"))]
    words = [str(mode[key]) for mode in modes if isinstance(mode, dict) for key in ("name", "id") if mode.get(key)]
    if isinstance(line.get("mode"), str):
        words.insert(0, line["mode"])
    names = [str(value) for value in (line.get("code"), line.get("shortName"), line.get("name"), name) if value]
    return make_line(str(line["id"]) if line.get("id") else None, words, names)


def bulk_lines(body: dict[str, Any]) -> tuple[list[Line], dict[str, list[Touched]]]:
    """Read the lines of a PRIM response, and the lines that each disruption id touches.

    An id that stands under a line itself, a part of it or its network touches it; one that stands under its stops as
    well touches these stops only.
    """
    named: list[Line] = []
    touched: dict[str, list[Touched]] = {}
    for raw in dicts(body.get("lines")):
        line = _navitia_line(raw)
        if line is None:
            continue
        named.append(line)
        objects = [one for one in dicts(raw.get("impactedObjects")) if isinstance(one.get("disruptionIds"), list)]
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


def read_report(
    report: dict[str, Any], named: list[Line], touched: dict[str, list[Touched]], under: dict[str, list[Line]]
) -> None:
    """Add the line of a line report, the network it is of, and what the report says of that network."""
    line = _navitia_line(report.get("line"))
    if line is None:
        return
    named.append(line)
    own = report["line"].get("network")
    others = [one.get("network", one) for one in above_line(report)]
    for network in dicts([own, *others]):
        if network.get("id"):
            under.setdefault(str(network["id"]), []).append(line)
        for link in dicts(network.get("links")):
            if link.get("type") == "disruption":
                touched.setdefault(str(link.get("id")), []).append((line, True))


def dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
