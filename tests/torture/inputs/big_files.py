"""Raw files of any size, and what a script takes to read them."""

import json
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import script_server
from tests.conftest import ROOT, Ran, bike
from tests.support.patience import deadline
from tests.torture.inputs.forms import BULK, COUNTS_API, DAY, disruption
from tests.torture.inputs.forms import visual_crossing as weather

MB = 1_000_000
# The peak memory of a script and of what it starts, as the kernel counts it. A process begins with its parent's peak:
# that of the tests' server, which holds the packages that the script would import.
WATCH = """
import atexit, os, resource, runpy, sys
whose = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
atexit.register(lambda: print(max(resource.getrusage(one).ru_maxrss for one in whose), file=sys.stderr))
sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Took:
    """Exit code, messages and peak memory (MB) of one command."""

    code: int
    err: str
    megabytes: float


def process(data_type: str) -> Took:
    """Run a source's script on DAY, in the environment of the `raw` fixture."""
    script = ROOT / "scripts" / f"process_{data_type}.py"
    ran = script_server.run([sys.executable, "-c", WATCH, str(script), "--date", DAY], timeout=deadline(300))
    *messages, peak = ran.stderr.strip().split("\n")
    return Took(ran.returncode, "\n".join(messages), int(peak) * 1024 / MB)


def bike_text(number: int) -> str:
    """110 counters during the week of DAY, again and again, as pulls tell them."""
    counter, hour, day = number // 24 % 110, number % 24, 1 + number // 2640 % 6
    return json.dumps(bike(f"C{counter}", f"2025-11-{day:02}T{hour:02}:00:00+01:00", counter), ensure_ascii=False)


def disruption_text(number: int) -> str:
    told = disruption(f"d{number % 3000}")
    told["messages"][0]["text"] = f"<p>Métro 6 {'texte ' * 1200}</p>"
    return json.dumps(told, ensure_ascii=False)


def bulk_text(number: int) -> str:
    told = {**BULK["disruptions"][0], "id": f"b{number % 3000}", "message": f"<b>Trafic</b> {'texte ' * 1200}"}
    return json.dumps(told, ensure_ascii=False)


def weather_text(number: int) -> str:
    day = {**weather(number % 20)["days"][0], "datetime": f"{1900 + number // 336 % 200}-{1 + number // 28 % 12:02}"}
    return json.dumps({**day, "datetime": f"{day['datetime']}-{1 + number % 28:02}"})


def count_text(number: int) -> str:
    shape = {"type": "LineString", "coordinates": [[2.35, 48.85], [2.351, 48.851]]}
    return json.dumps({**COUNTS_API[number % 23], "iu_ac": f"A{number // 23 % 3000}", "geo_shape": shape})


def repeated(make: Iterable[str], size: int, between: str = ",") -> Iterator[bytes]:
    """Texts up to so many bytes."""
    written = 0
    for text in make:
        data = text.encode()
        yield data if not written else between.encode() + data
        written += len(data) + 1
        if written >= size:
            return


def write(path: Path, head: str, texts: Iterable[str], tail: str, size: int, between: str = ",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.write(head.encode())
        stream.writelines(repeated(texts, size, between))
        stream.write(tail.encode())


def bomb(path: Path, head: bytes, unit: bytes, size: int) -> None:
    """A gzipped file, a thousandth in size of what it unzips to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    block = unit * (MB // len(unit))
    zipper = zlib.compressobj(1, wbits=31)
    with path.open("wb") as stream:
        stream.write(zipper.compress(head))
        for _ in range(-(-size // len(block))):
            stream.write(zipper.compress(block))
        stream.write(zipper.flush())


def as_ran(took: Took) -> Ran:
    return Ran(took.code, "", took.err)
