"""Raw rows under an account: the invalid ones are rejected, and of those that say the same the newest is kept."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
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
        for row in rows[mask & ~struck].to_dict("records") if mask.any() else ():
            quality.reject(reason, row["_fichier"], line(row["_ligne"]), {name: row[name] for name in shown})
        struck |= mask
    return rows[~struck].copy() if struck.any() else rows.copy(deep=False)


def newest(rows: pd.DataFrame, key: list[str], values: list[str], quality: Quality) -> pd.DataFrame:
    """Keep one row of each key, sorted by it: of rows in the order of their files, the last with any of the values.

    A blank that comes later takes nothing away of what was measured. Rows of one key that differ are conflicts.
    """
    repeated = rows.duplicated(key, keep=False)
    kept = rows
    if repeated.any():
        repeats = rows[repeated]
        blank = repeats[values].isna().all(axis=1)
        last = pd.concat([repeats[blank], repeats[~blank]]).drop_duplicates(key, keep="last")
        quality.conflits += len(repeats.drop_duplicates([*key, *values])) - len(last)
        kept = pd.concat([rows[~repeated], last])
    kept = kept.sort_values(key, ignore_index=True)
    quality.doublons += len(rows) - len(kept)
    quality.lignes_retenues += len(kept)
    return kept


def without_echoes(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Drop the rows that say in these columns what the one before says; the first and the last of each text stay."""
    new = np.zeros(len(rows), dtype=bool)
    new[:1] = True
    for name in columns:
        values = rows[name].to_numpy(dtype=object)
        new[1:] |= (values[1:] != values[:-1]).astype(bool)
    return rows[new]
