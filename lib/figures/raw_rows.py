"""Raw rows under an account: the invalid ones are rejected, and of those that say the same the newest is kept."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from lib.figures.quality import Quality


def without_rejects(
    rows: pd.DataFrame,
    reasons: Mapping[str, pd.Series],
    shown: Sequence[str],
    quality: Quality,
    line: Callable[[Any], int | str] = int,
) -> pd.DataFrame:
    """Drop the rows that a reason strikes; each is rejected under the first of its reasons, with its `shown` columns.

    `rows` say in _fichier and _ligne where they stand; `line` writes the latter.
    """
    struck = pd.Series(False, index=rows.index)
    for reason, mask in reasons.items():
        for row in rows[mask & ~struck].to_dict("records"):
            quality.reject(reason, row["_fichier"], line(row["_ligne"]), {name: row[name] for name in shown})
        struck |= mask
    return rows[~struck].copy()


def newest(rows: pd.DataFrame, key: list[str], values: list[str], quality: Quality) -> pd.DataFrame:
    """Keep one row of each key, sorted by it: of rows in the order of their files, the last with any of the values.

    A blank that comes later takes nothing away of what was measured. Rows of one key that differ are conflicts.
    """
    blank = rows[values].isna().all(axis=1)
    ordered = pd.concat([rows[blank], rows[~blank]]) if blank.any() else rows
    kept = ordered.drop_duplicates(key, keep="last").sort_values(key, ignore_index=True)
    quality.conflits += len(rows.drop_duplicates([*key, *values])) - len(kept)
    quality.doublons += len(rows) - len(kept)
    quality.lignes_retenues += len(kept)
    return kept
