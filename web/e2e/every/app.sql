-- For the end-to-end tests: people on a map, and what the panels of every kind read.
CREATE STREAM IF NOT EXISTS people (
  name  TEXT PRIMARY KEY,
  lat   DOUBLE,
  lon   DOUBLE,
  state TEXT,
  ts    TIMESTAMPTZ
) WITH (version = 'ts');
CREATE STREAM IF NOT EXISTS shouts (who TEXT NOT NULL, what TEXT NOT NULL, ts TIMESTAMPTZ NOT NULL);
