"""What a run left in its output folder, in a form in which two runs can be compared."""

import json
from pathlib import Path

Documents = dict[str, object]

RESULTS = ("metrics", "reports", "rejects")


def documents(output: Path, *more: str) -> Documents:
    """The content of every visible result by its path, without what each run changes: its timestamp.

    `more` are other folders of the output to look into.
    """
    paths = [path for folder in (*RESULTS, *more) for path in (output / folder).glob("*")]
    return {str(path.relative_to(output)): _content(path) for path in paths if not path.name.startswith(".")}


def _content(path: Path) -> object:
    if path.suffix != ".json":
        return path.read_bytes()
    document = json.loads(path.read_bytes())
    return {key: value for key, value in document.items() if key != "timestamp"}
