"""What a run left in its output folder, in a form in which two runs can be compared."""

import json
from collections.abc import Iterator
from pathlib import Path


def documents(output: Path) -> dict[str, object]:
    """The content of every visible result by name, without what a run changes: its timestamp."""
    return dict(_contents(output))


def _contents(output: Path) -> Iterator[tuple[str, object]]:
    for path in sorted(output.glob("metrics/*")) + sorted(output.glob("reports/*")) + sorted(output.glob("rejects/*")):
        if path.name.startswith("."):
            continue
        if path.suffix == ".json":
            document = json.loads(path.read_bytes())
            yield path.name, {key: value for key, value in document.items() if key != "timestamp"}
        else:
            yield path.name, path.read_bytes()
