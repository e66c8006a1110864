"""A Parquet file is read as the CSV of the same export. pandas.parquet was written by pandas 3.1 and pyarrow 26."""

import csv
import glob
import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lib.common.errors import InputError
from lib.common.settings import ROOT
from lib.files.duck import quoted, scratch_database
from lib.raw import s3_path
from lib.raw.contents import read_bytes
from lib.raw.forms.parquet import LINES, Window, csv_pieces
from tests.conftest import RawTree, mains
from tests.support.aws_server import REGION, AwsServer

DAY = "2025-11-04"
HOURS = "range(timestamp '2025-11-04 00:00', timestamp '2025-11-05 00:00', interval 1 hour) hours(hour)"
MINE = Path(__file__).parent


def written(path: Path, query: str, options: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch_database() as database:
        database.execute(f"copy ({query}) to {quoted(str(path), chr(39))} (format parquet{options})")
    return path


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(content.decode().splitlines(), delimiter=";"))


def test_the_types_of_another_writer_are_the_texts_of_its_csv() -> None:
    first, second, third = rows_of(read_bytes(MINE / "pandas.parquet"))
    assert [row["iu_ac"] for row in (first, second, third)] == ["7", "", "9"]  # nullable integers
    assert [row["libelle"] for row in (first, second, third)] == ["Rue « ; »", 'Quai "d\'été"', ""]  # categories
    assert [row["q"] for row in (first, second, third)] == ["10", "", "12.5"]
    assert [row["k"] for row in (first, second, third)] == ["1.5", "2.25", ""]  # NaN
    assert (first["t_1h"], first["ns"]) == ("2025-11-03T23:00:00+00:00", "2025-11-04T00:00:00")  # 00:00 in Paris
    assert (first["petit"], first["jour"], first["vrai"], second["vrai"]) == ("1", DAY, "true", "")
    assert (first["geo_point_2d"], second["geo_point_2d"]) == ("48.85,2.35", "")
    assert json.loads(first["geo_shape"])["coordinates"] == [[2.35, 48.85], [2.36, 48.85]]
    assert (second["geo_shape"], third["geo_shape"]) == ("", "texte; sans forme")
    assert (first["liste"], second["liste"], third["liste"]) == ("[1,null,3]", "[]", "")
    assert json.loads(first["profond"]) == {"a": [{"b": "x"}]}


SHAPE = '{"coordinates":[[2.35,48.85],[2.351,48.851]],"type":"LineString"}'
EXPORTS = {  # source: name of its export, columns of one row and hour
    "comptages": (
        "comptages-routiers-permanents",
        f"""arc as iu_ac, 'Rue "' || arc || '";' as libelle, (hour + interval 1 hour)::varchar || '+01:00' as t_1h,
        case when hour(hour) <> 3 then arc * 100 + hour(hour) end as q, case when arc = 7 then 2.5 else 31.0 end as k,
        '48.85,2.35' as geo_point_2d, '{SHAPE}' as geo_shape""",
    ),
    "bikes": (
        "comptage-velo-donnees-compteurs",
        """'A-' || arc as id_compteur, 'Compteur ' || arc as nom_compteur,
        case when hour(hour) <> 5 then arc + hour(hour) end as sum_counts,
        strftime(hour - interval 1 hour, '%Y-%m-%dT%H:%M:%S+00:00') as date, '48.85,2.35' as coordinates""",
    ),
    "chantiers": (
        "chantiers-perturbants-la-circulation",
        """'CP' || arc as identifiant, '75012' as cp_arrondissement, 'Travaux; rue' as objet,
        '2025-10-30' as date_debut, '2025-11-1' || (arc % 2) as date_fin, 'RESTREINTE' as impact_circulation,
        1 as niveau_perturbation, 2 as statut, '48.85,2.35' as geo_point_2d""",
    ),
    "referentiel": (
        "referentiel-comptages-routiers",
        f"""arc as iu_ac, 'Rue ' || arc as libelle, 10 + arc as iu_nd_amont, 20 + arc as iu_nd_aval,
        '{SHAPE}' as geo_shape""",
    ),
}  # fmt: skip
TYPED = {  # columns that Parquet holds as other than text
    "t_1h": "t_1h::timestamptz", "date": "date::timestamptz", "date_debut": "date_debut::date",
    "geo_point_2d": "{'lon': 2.35, 'lat': 48.85}", "coordinates": "{'lon': 2.35, 'lat': 48.85}",
    "geo_shape": "st_aswkb(st_geomfromgeojson(geo_shape))",
}  # fmt: skip


@pytest.mark.parametrize("source", EXPORTS)
def test_a_parquet_gives_the_figures_of_the_csv(raw: RawTree, run: Any, source: str) -> None:
    stem, columns = EXPORTS[source]
    hours = HOURS if source in ("comptages", "bikes") else "(select 1)"
    rows = f"select {columns} from (values (7), (8), (9)) arcs(arc), {hours}"
    found = {}
    for form in ("csv", "parquet"):
        for old in (raw.root / "batch").glob("*"):
            old.unlink()
        if form == "csv":
            with scratch_database() as database:
                (raw.root / "batch").mkdir(parents=True, exist_ok=True)
                database.execute(f"copy ({rows}) to '{raw.root}/batch/{stem}.csv' (format csv, header, delimiter ';')")
        else:
            names = [one for one in TYPED if re.search(rf"as {one}\b", columns)]
            typed = ", ".join(f"{TYPED[one]} as {one}" for one in names)
            written(raw.root / "batch" / f"{stem}.PARQUET", f"select * replace ({typed}) from ({rows})")
        ran = run(mains()[source], "--date", DAY, "--force")
        assert ran.code == 0, ran.err
        found[form] = raw.metrics(source, DAY)
    assert json.dumps(found["parquet"]).replace(".PARQUET", ".csv") == json.dumps(found["csv"])
    assert found["csv"]["qualite"]["lignes_retenues"] > 0


def spoilt_but_for(path: Path, time: str, first: str, last: str) -> None:
    """Spoil the pages of the other row groups: whoever reads them fails."""
    with scratch_database() as database:
        groups = database.execute(
            "select total_compressed_size, coalesce(dictionary_page_offset, data_page_offset), stats_min_value,"
            " stats_max_value from parquet_metadata(?) where path_in_schema = ?",
            [glob.escape(str(path)), time],
        ).fetchall()
    assert len(groups) > 15
    content = bytearray(path.read_bytes())
    for size, offset, earliest, latest in groups:
        if latest < first or earliest >= last:
            content[offset : offset + size] = b"\xff" * size
    path.write_bytes(content)


LONG = "range(40_000) ids(id)"
INSTANT = "timestamptz '2025-01-01 00:00:00+00' + interval 1 hour * id"


def test_only_the_row_groups_of_the_day_are_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a [2025].parquet", f"select id, {INSTANT} as t_1h from {LONG}", ", row_group_size 2048")
    day = date(2025, 6, 1)
    whole = b"".join(csv_pieces(path))
    assert [row["id"] for row in rows_of(whole)] == [str(number) for number in range(40_000)]
    spoilt_but_for(path, "t_1h", "2025-05-31", "2025-06-03")
    lines = b"".join(csv_pieces(path, Window(("T_1h",), day, day))).split(b"\n")
    kept = [int(line.split(b";")[0]) for line in lines[1:] if line]
    assert kept == list(range(150 * 24, 153 * 24))
    assert all(lines[number + 1].startswith(str(number).encode()) for number in kept)  # the line is the row's number
    with pytest.raises(InputError, match="est un Parquet illisible"):
        b"".join(csv_pieces(path))


@pytest.mark.parametrize(
    ("source", "time", "columns", "sound"),
    [
        ("comptages", "t_1h", "'7' as iu_ac, 5.0 as q, 2.5 as k", ("2025", "2027")),  # its beginning is looked at
        ("bikes", "date", "'A' as id_compteur, 5 as sum_counts", ("2025-05-24", "2025-06-03")),
    ],
)
def test_a_day_of_a_long_export_costs_its_row_groups_alone(
    raw: RawTree, run: Any, source: str, time: str, columns: str, sound: tuple[str, str]
) -> None:
    rest = f"'48.85,2.35' as geo_point_2d, {INSTANT} as autre, repeat('long', 50) as texte"
    query = f"select {columns}, {rest}, {INSTANT} as {time} from {LONG}"
    path = written(raw.root / "batch" / f"{EXPORTS[source][0]}.parquet", query, ", row_group_size 2048")
    spoilt_but_for(path, time, *sound)
    ran = run(mains()[source], "--date", "2025-06-01")
    assert ran.code == 0, ran.err
    assert raw.metrics(source, "2025-06-01")["metrics"][0]["heures_valides"] == 24
    written(path, query, ", row_group_size 2048")
    spoilt_but_for(path, "autre", *sound)  # all days are named by their times alone
    ran = run(mains()[source], "--date", "2024-06-01")
    assert ran.code == 4 and "2025-01-01" in ran.err and "2029-07-2" in ran.err


def test_a_parquet_in_s3_is_read(raw: RawTree, aws: AwsServer, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stem, columns = EXPORTS["bikes"]
    path = written(raw.root / "a.parquet", f"select {columns} from (values (7), (8)) arcs(arc), {HOURS}")
    key = f"brut/batch/{stem}.parquet"
    aws.clients.s3.create_bucket(Bucket="bruts", CreateBucketConfiguration={"LocationConstraint": REGION})
    aws.clients.s3.put_object(Bucket="bruts", Key=key, Body=path.read_bytes())
    monkeypatch.setenv("DATA_DIR", "s3://bruts/brut")
    ran = run(mains()["bikes"], "--date", DAY)
    assert ran.code == 0, ran.err
    assert raw.metrics("bikes", DAY)["nombre_compteurs_actifs"] == 2
    s3_path._client.cache_clear()


def test_rows_without_a_time_and_times_as_text_are_all_read(tmp_path: Path) -> None:
    window = Window(("date",), date(2025, 6, 1), date(2025, 6, 1))
    path = written(
        tmp_path / "a.parquet", "select unnest([null, date '2020-01-01', date '2025-06-02']) as date, 1 as a"
    )
    assert [row["date"] for row in rows_of(b"".join(csv_pieces(path, window)))] == ["", "2025-06-02"]
    path = written(tmp_path / "b.parquet", "select unnest(['', '01/01/2020']) as date, 1 as a")
    assert len(rows_of(b"".join(csv_pieces(path, window)))) == 2


def test_a_long_parquet_takes_little_memory(tmp_path: Path) -> None:
    rows = 100 * LINES
    path = written(tmp_path / "a.parquet", f"select id, repeat('a;', 500) as t from range({rows}) ids(id)")
    program = (
        "import re, sys; from pathlib import Path; from lib.raw.forms.parquet import csv_pieces;"
        "print(sum(map(len, csv_pieces(Path(sys.argv[1])))));"
        "print(re.search('VmHWM: *(.*) kB', Path('/proc/self/status').read_text())[1])"
    )
    said = subprocess.run([sys.executable, "-c", program, path], cwd=ROOT, capture_output=True, check=True).stdout
    size, peak = map(int, said.split())
    assert size > 1000 * rows and peak * 1024 < 0.8 * size


def test_a_cut_parquet_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", "select * from range(1000)")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"a\.parquet est un Parquet illisible"):
        read_bytes(path)


def test_pandas_does_not_import_what_reads_parquet() -> None:
    program = "import sys, pandas, lib.raw.tables; print(sorted({'duckdb', 'pyarrow'} & sys.modules.keys()))"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    assert said == "[]\n"
