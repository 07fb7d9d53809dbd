"""Runs the portable part of the SQL corpus in DuckDB and compares its answers with those the corpus expects of Highwater.

Highwater maintains a view with every event; here the same view is an ordinary view over all rows so far. That both give
what the file says shows that live results equal their SQL, judged by a program that shares no code with ours.

What is translated: a stream becomes a table; a keyed stream a table of messages and a view of the current rows;
MATERIALIZED VIEW becomes VIEW; HISTORY(s) the messages; INGEST … ndjson one INSERT a record. Whatever is marked
`skipif duckdb` or `onlyif highwater`, every `statement error`, and INGEST in other formats is skipped and counted.

How values are compared: row by row as text, after both sides are brought into one form: times in RFC 3339, booleans
true/false, NULL, the empty text as (empty). Where rows differ as text they are compared word by word, numbers by value:
exactly for integers and decimals, within one part in 10^12 for floats (Highwater's float sums are exact, DuckDB's depend on
the order).
"""

import datetime
import decimal
import json
import math
import pathlib
import re
import sys

import duckdb

CORPUS = ["crates/engine/tests/slt"]
LABEL = "duckdb"
FLOAT_TOLERANCE = 1e-12


class Skipped(Exception):
    """A record that this database cannot run."""


def records(text):
    """Yields (line, conditions, head, body, expected) for each record of a corpus file."""
    block, start = [], 0
    for number, line in enumerate(text.splitlines() + [""], 1):
        if line.strip():
            if not block:
                start = number
            block.append(line)
        elif block:
            yield from record(start, block)
            block = []


def record(start, block):
    lines = [line for line in block if not line.startswith("#")]
    conditions = []
    while lines and lines[0].split()[0] in ("skipif", "onlyif"):
        conditions.append(tuple(lines.pop(0).split()[:2]))
    if not lines or lines[0].split()[0] not in ("statement", "query"):
        return
    head, rest = lines[0], lines[1:]
    body, expected = rest, None
    if "----" in rest:
        at = rest.index("----")
        body, expected = rest[:at], rest[at + 1 :]
    yield start, conditions, head, "\n".join(body), expected


def is_skipped(conditions):
    return any((word == "skipif") == (label == LABEL) for word, label in conditions)


class Database:
    """A DuckDB database that understands the corpus."""

    def __init__(self):
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        self.columns = {}
        self.keyed = set()

    def run(self, statement):
        if statement.startswith("INGEST "):
            return self.ingest(statement)
        for translated in self.translate(statement):
            cursor = self.connection.execute(translated)
        return cursor.fetchall() if cursor.description else []

    def ingest(self, statement):
        head, _, body = statement.partition("\n")
        _, stream, form = head.split()
        if form != "ndjson":
            raise Skipped(f"INGEST {form}")
        for line in filter(None, body.splitlines()):
            event = {k: v for k, v in json.loads(line).items() if k in self.columns[stream]}
            names = ", ".join(f'"{name}"' for name in event)
            marks = ", ".join("?" for _ in event)
            self.connection.execute(f"INSERT INTO {self.table(stream)} ({names}) VALUES ({marks})", list(event.values()))
        return []

    def table(self, stream):
        return f"{stream}__messages" if stream in self.keyed else stream

    def translate(self, statement):
        statement = statement.strip().rstrip(";")
        declared, *options = re.split(r"\)\s*WITH\s*\(", statement, maxsplit=1, flags=re.I)
        create = re.match(r"CREATE\s+STREAM\s+(\w+)\s*\((.*?)\)?$", declared, re.S | re.I)
        if create:
            return self.create_stream(create[1], create[2], options[0] if options else "")
        statement = re.sub(r"^DROP\s+STREAM\b", "DROP TABLE", statement, flags=re.I)
        statement = re.sub(r"\bMATERIALIZED\s+VIEW\b", "VIEW", statement, flags=re.I)
        statement = re.sub(r"\bHISTORY\s*\(\s*(\w+)\s*\)", lambda m: self.table(m[1]), statement, flags=re.I)
        insert = re.match(r"INSERT\s+INTO\s+(\w+)\s*(\([^)]*\))?(.*)$", statement, re.S | re.I)
        if insert and insert[1] in self.keyed:
            names = insert[2] or "({})".format(", ".join(self.columns[insert[1]]))
            statement = f"INSERT INTO {self.table(insert[1])} {names} {insert[3]}"
        return [statement]

    def create_stream(self, name, columns, options):
        parts = [part.strip() for part in re.split(r",(?![^(<]*[)>])", columns) if part.strip()]
        if any(re.search(r"\b(PATH|FORMAT|ZONE|UNIT)\b", part) for part in parts):
            raise Skipped("columns with a declared form")
        key = []
        for part in parts:
            listed = re.match(r"PRIMARY\s+KEY\s*\((.*)\)", part, re.I)
            if listed:
                key = [word.strip() for word in listed[1].split(",")]
            elif re.search(r"\bPRIMARY\s+KEY\b", part, re.I):
                key = [part.split()[0]]
        plain = [re.sub(r"\s+PRIMARY\s+KEY\b", " NOT NULL", p, flags=re.I) for p in parts]
        plain = [part for part in plain if not re.match(r"PRIMARY\s+KEY\s*\(", part, re.I)]
        self.columns[name] = [part.split()[0] for part in plain]
        if not key:
            return [f"CREATE TABLE {name} ({', '.join(plain)})"]
        self.keyed.add(name)
        version = re.search(r"version\s*=\s*'(\w+)'", options, re.I)
        order = (f"{version[1]} DESC, " if version else "") + "arrival DESC"
        names = ", ".join(self.columns[name])
        return [
            f"CREATE SEQUENCE {name}__arrivals",
            f"CREATE TABLE {name}__messages ({', '.join(plain)}, arrival BIGINT DEFAULT nextval('{name}__arrivals'))",
            f"CREATE VIEW {name} AS SELECT {names} FROM {name}__messages "
            f"QUALIFY row_number() OVER (PARTITION BY {', '.join(key)} ORDER BY {order}) = 1",
        ]


def shown(value):
    """A value as the corpus writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else repr(value)
    if isinstance(value, datetime.datetime):
        # Fractions of a second have no digits, three or six.
        text = value.replace(tzinfo=None).isoformat().removesuffix("000")
        return text + "Z" if value.tzinfo else text
    if isinstance(value, list):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {shown(item)}" for name, item in value.items()) + "}"
    return str(value) or "(empty)"


def same_word(ours, theirs):
    if ours == theirs:
        return True
    try:
        if decimal.Decimal(ours) == decimal.Decimal(theirs):
            return True
        if re.search(r"[.eEN]", ours + theirs):
            return math.isclose(float(ours), float(theirs), rel_tol=FLOAT_TOLERANCE)
    except (decimal.InvalidOperation, ValueError):
        pass
    return False


def same_row(ours, theirs):
    if ours == theirs:
        return True
    ours, theirs = ours.split(), theirs.split()
    return len(ours) == len(theirs) and all(map(same_word, ours, theirs))


def same_rows(ours, theirs):
    return len(ours) == len(theirs) and all(map(same_row, ours, theirs))


def check_file(path, counts):
    database = Database()
    for line, conditions, head, body, expected in records(path.read_text()):
        words = head.split()
        if is_skipped(conditions) or words[1] == "error":
            counts["skipped"] += 1
            continue
        try:
            rows = database.run(body)
        except Skipped:
            counts["skipped"] += 1
            continue
        except Exception as error:  # whatever DuckDB has to say
            fail(path, line, counts, f"DuckDB: {error}")
            continue
        theirs = [" ".join(shown(value) for value in row) for row in rows]
        if words[0] == "query":
            ours = [" ".join(row.split()) for row in expected or []]
            theirs = [" ".join(row.split()) for row in theirs]
            if "rowsort" in words:
                ours, theirs = sorted(ours), sorted(theirs)
            if not same_rows(ours, theirs):
                fail(path, line, counts, "\n".join(["expected:", *ours, "DuckDB:", *theirs]))
                continue
        counts["passed"] += 1


def fail(path, line, counts, message):
    counts["failed"] += 1
    print(f"{path}:{line}: {message}\n")


def main(arguments):
    root = pathlib.Path(__file__).resolve().parent.parent
    files = [pathlib.Path(argument) for argument in arguments]
    files = files or sorted(path for folder in CORPUS for path in (root / folder).glob("*.slt"))
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for path in files:
        check_file(path, counts)
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
