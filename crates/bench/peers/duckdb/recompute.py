#!/usr/bin/env python3
"""What `highwater bench recompute --peer` runs beside us: `daily_steps` computed by DuckDB from the archive's Parquet files,
its result written as Parquet, as a recomputation writes one.

    recompute.py FOLDER     the folder of the archived stream, with `_delta_log`

Prints the seconds that took and the groups found. Needs the packages `duckdb` and `deltalake`. Not in DuckDB's run: comparing
each row with what is served live, which a recomputation does.
"""

import os
import sys
import tempfile
import time

import deltalake
import duckdb

SQL = """
SELECT CAST(timezone('America/Los_Angeles', ts) AS DATE) AS day, uuid, sum(steps) AS steps FROM archived GROUP BY 1, 2
"""


def main():
    files = deltalake.DeltaTable(sys.argv[1]).file_uris()
    names = ", ".join("'" + name.replace("'", "''") + "'" for name in files)
    connection = duckdb.connect()
    connection.execute(f"SET threads = {os.cpu_count()}")
    connection.execute(f"CREATE VIEW archived AS SELECT * FROM read_parquet([{names}], union_by_name = true)")
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        connection.execute(f"COPY ({SQL}) TO '{folder}/result.parquet' (FORMAT parquet)")
        seconds = time.monotonic() - began
        groups = connection.execute(f"SELECT count(*) FROM '{folder}/result.parquet'").fetchone()[0]
    print(f"{seconds:.3f} s, {groups} groups, duckdb {duckdb.__version__}, {len(files)} files")


if __name__ == "__main__":
    main()
