"""Reads tables of the archive with Polars and with DuckDB, and prints what they find as JSON.

    scripts/archive_readers FOLDER…        a table's folder each: the one with `_delta_log`

For each table and reader: rows, distinct events (`_partition`, `_offset`), the greatest offset of each partition, rows by
day, and the sum of each column of whole numbers, so that a test can compare them with what it wrote. Exit code 77: the
readers are not installed.

Polars reads through the `deltalake` package, which is made of the same parts as ours but reads checkpoints, commits and
files by itself. DuckDB uses its `delta` extension when that is there (it is never downloaded), else its own Parquet reader over the
files that the log names; what was used is told as `through`.
"""

import datetime
import json
import sys

import deltalake
import duckdb
import polars

INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


def plain(value):
    """A value as JSON knows it."""
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    return value


def with_polars(folder):
    frame = polars.scan_delta(folder).collect()
    keys = [name for name in ("_partition", "_offset") if name in frame.columns]
    highest = {}
    if len(keys) == 2:
        for partition, offset in frame.group_by("_partition").agg(polars.col("_offset").max()).iter_rows():
            highest[str(partition)] = offset
    days = frame.group_by("_date").len().iter_rows()
    sums = {
        name: int(frame[name].cast(polars.Int128).sum())
        for name, kind in frame.schema.items()
        if kind.is_integer() and name not in keys
    }
    return {
        "rows": frame.height,
        "events": frame.select(keys).n_unique() if keys else None,
        "highest": highest,
        "days": {str(plain(day)): count for day, count in days},
        "sums": sums,
        "through": f"polars {polars.__version__}",
    }


def duckdb_source(connection, folder):
    """A FROM clause that gives the table, and what reads it."""
    try:
        connection.execute("LOAD delta")
        return f"delta_scan('{folder}')", "duckdb delta"
    except duckdb.Error:
        files = ["'" + uri.replace("'", "''") + "'" for uri in deltalake.DeltaTable(folder).file_uris()]
        if not files:
            return None, "duckdb parquet"
        columns = f"[{', '.join(files)}], hive_partitioning = true, hive_types = {{'_date': DATE}}, union_by_name = true"
        return f"read_parquet({columns})", "duckdb parquet"


def with_duckdb(folder):
    connection = duckdb.connect()
    connection.execute("SET autoinstall_known_extensions = false")
    source, through = duckdb_source(connection, folder)
    if source is None:
        return {"rows": 0, "events": 0, "highest": {}, "days": {}, "sums": {}, "through": through}
    connection.execute(f"CREATE VIEW archived AS SELECT * FROM {source}")
    types = dict(connection.execute("SELECT column_name, column_type FROM (DESCRIBE archived)").fetchall())
    keys = [name for name in ("_partition", "_offset") if name in types]
    highest = {}
    if len(keys) == 2:
        query = 'SELECT "_partition", max("_offset") FROM archived GROUP BY 1'
        highest = {str(partition): offset for partition, offset in connection.execute(query).fetchall()}
    key = ", ".join(f'"{name}"' for name in keys)
    events = f"SELECT count(*) FROM (SELECT DISTINCT {key} FROM archived)" if keys else "SELECT NULL"
    sums = {}
    for name, kind in types.items():
        if kind in INTEGERS and name not in keys:
            quoted = name.replace('"', '""')
            sums[name] = int(connection.execute(f'SELECT coalesce(sum("{quoted}"), 0) FROM archived').fetchone()[0])
    days = connection.execute('SELECT "_date", count(*) FROM archived GROUP BY 1').fetchall()
    return {
        "rows": connection.execute("SELECT count(*) FROM archived").fetchone()[0],
        "events": connection.execute(events).fetchone()[0],
        "highest": highest,
        "days": {str(plain(day)): count for day, count in days},
        "sums": sums,
        "through": f"{through} {duckdb.__version__}",
    }


def main():
    found = {folder: {"polars": with_polars(folder), "duckdb": with_duckdb(folder)} for folder in sys.argv[1:]}
    print(json.dumps(found, indent=2, sort_keys=True))


if __name__ == "__main__":
    main()
