"""The envelopes that records come in, and what an answer says of itself: how many there are, or why there are none.

Met in the field: {"results": […]} (portal v2.1), a bare list (export), {"records": [{"fields": …}]} (portal v1.0),
{"records": [{"record": {"fields": …}}]} (v2.0), GeoJSON, {"data": …}, an API Gateway's {"statusCode", "body": "text"}.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any

from lib.common.text import on_one_line

TOGETHER = ("disruptions", "lines", "line_reports")  # lists of one answer that belong together
APART = (None, "results", "records", "features", "days", "data")  # lists of records, None: the document itself
TOTALS = ("total_count", "nhits")

_CONTENT = {*TOGETHER, *APART[1:], "hourly", "daily", "application_periods", "applicationPeriods"}
_LISTS = frozenset(APART[1:])
_REFUSING = ("error", "fault", "errors", "body")
_SPEAKING = {*_CONTENT, *TOTALS, *_REFUSING, "statusCode", "error_code", "errorcode", "message"}
_NORMAL_ERRORS = ("no_solution",)  # of Navitia: nothing is disturbed
_REASONS = ("reason", "message", "error_description", "detail", "faultstring", "error_code", "id", "error")
_SHOWN = 200  # characters of a reason
MOST_MEMBERS = 4  # of an answer that is a message alone


def unwrapped(body: Any) -> Any:
    """Take an answer out of what a gateway or a script put around it; the same value where there is nothing around."""
    while (inner := _inside(body)) is not body:
        body = inner
    if isinstance(body, list) and body and isinstance(body[0], dict) and "statusCode" in body[0]:
        return [unwrapped(one) for one in body]
    return body


def _inside(body: Any) -> Any:
    """Take off one layer; the same value where there is none."""
    if isinstance(body, str):
        return _value_in(body)
    if not isinstance(body, dict) or body.keys() & (_CONTENT - {"data"}):
        return body
    if "statusCode" in body and isinstance(body.get("body"), str | dict | list):
        inner = body["body"]
        if body.get("isBase64Encoded") and isinstance(inner, str):
            inner = _from_base64(inner)
        return inner if str(body["statusCode"]).startswith("2") else body
    return body["data"] if isinstance(body.get("data"), dict | str) else body


def is_bare(body: Any) -> bool:
    """Tell a record with nothing around it, which announces nothing and is no refusal."""
    return isinstance(body, dict) and body.keys().isdisjoint(_SPEAKING)


def records(body: Any) -> Iterator[Any]:
    """Yield the records of one answer, out of their envelope."""
    for one in body if isinstance(body, list) else (body,):
        if isinstance(one, list):
            yield from records(one)
            continue
        has_lists = isinstance(one, dict) and not one.keys().isdisjoint(_LISTS)
        name = next((name for name in APART[1:] if isinstance(one.get(name), list)), None) if has_lists else None
        if name is None or name == "days":
            yield one
        elif name == "records":
            yield from map(_fields, one[name])
        else:
            yield from map(_properties, one[name]) if name == "features" else one[name]


def announced(body: Any) -> int | None:
    """Read how many records there are in all, by the answer, as a number or as its text; None where it does not say."""
    totals = [body[name] for name in TOTALS if name in body] if isinstance(body, dict) else []
    return next((int(str(one)) for one in totals if re.fullmatch("[0-9]{1,12}", str(one))), None)


def refusal(body: Any) -> str:
    """Say why an answer holds no data, in its own words; empty where it holds some, or is no refusal."""
    if body is None or isinstance(body, str | int | float):
        return on_one_line(str(body))[:_SHOWN]
    if not isinstance(body, dict) or any(map(body.get, _CONTENT)):
        return ""
    error = body.get("error")
    if isinstance(error, dict) and error.get("id") in _NORMAL_ERRORS:
        return ""
    inner = next((body[name] for name in _REFUSING if body.get(name)), None)
    marked = inner is not None or "error_code" in body or "errorcode" in body
    if not marked and not ("message" in body and len(body) <= MOST_MEMBERS):
        return ""
    return on_one_line(_reason(inner if isinstance(inner, dict) else {}) or _reason(body) or str(inner))[:_SHOWN]


def _reason(said: dict[str, Any]) -> str:
    return next((str(said[name]) for name in _REASONS if isinstance(said.get(name), str)), "")


def _value_in(text: str) -> Any:
    """Decode a text that holds an object or a list; any other stays."""
    try:
        return json.loads(text) if text.lstrip().startswith(("{", "[")) else text
    except (ValueError, RecursionError):
        return text


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return text


def _fields(item: Any) -> Any:
    """Take a record out of its own envelope: v1.0's fields, or v2.0's record.fields."""
    inner = item["record"] if isinstance(item, dict) and isinstance(item.get("record"), dict) else item
    return inner["fields"] if isinstance(inner, dict) and isinstance(inner.get("fields"), dict) else item


def _properties(item: Any) -> Any:
    """Make a record of a GeoJSON feature; its geometry is the record's shape or, being a point, its place."""
    if not isinstance(item, dict) or not isinstance(item.get("properties"), dict):
        return item
    shape = item.get("geometry")
    place: dict[str, Any] = {"geo_shape": shape}
    pair = shape.get("coordinates") if isinstance(shape, dict) and shape.get("type") == "Point" else None
    if isinstance(pair, list) and len(pair) >= 2:
        point = {"lon": pair[0], "lat": pair[1]}
        place |= {"coordinates": point, "geo_point_2d": point}
    own = {name: value for name, value in item["properties"].items() if value is not None or name not in place}
    return {**place, **own}
