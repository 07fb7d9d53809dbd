-- letshang: where friends are, who is free, how far they walked. Runs in the schema `letshang`; running it again changes
-- nothing.

-- What is told ---------------------------------------------------------------------------------------------------

-- A phone tells where its owner is and whether the owner is free; `steps` are those of the day so far. One row for each
-- person: a message that is older than the one shown never replaces it, whenever it arrives. Three forms:
--   user_20;20151002 185127;40.7643503305;-73.9694356385;False;13461
--   user_20, 20151002 185127, 40.76, -73.97, False
--   {"user":"user_20","ts":"20151002 185127","lat":40.76,"lon":-73.97,"available":false,"steps":13461}
-- Local time is New York's. It cannot say which pass through autumn's repeated hour it means; RFC 3339 with an offset can.
CREATE STREAM IF NOT EXISTS positions (
  "user"    TEXT PRIMARY KEY,
  ts        TIMESTAMPTZ NOT NULL FORMAT '%Y%m%d %H%M%S' ZONE 'America/New_York',
  lat       DOUBLE,
  lon       DOUBLE,
  available BOOLEAN,
  steps     BIGINT
) WITH (version = 'ts', partitions = 4, event_time = 'ts', format = 'text', delimiter = ';', fallback_delimiter = ',');

-- Who people are. Days are those of a person's zone (New York where none is known).
CREATE TABLE IF NOT EXISTS users ("user" TEXT PRIMARY KEY, name TEXT, zone TEXT);

-- Who is whose friend, in both directions.
CREATE TABLE IF NOT EXISTS friendships ("user" TEXT, friend TEXT, PRIMARY KEY ("user", friend));

-- Kept up to date with every message ----------------------------------------------------------------------------

-- Everybody as last heard of. A place that is not known is NULL, also where a phone writes (0, 0) instead.
CREATE MATERIALIZED VIEW IF NOT EXISTS people AS
SELECT
  "user",
  CASE WHEN lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180 AND NOT (lat = 0 AND lon = 0) THEN lat END AS lat,
  CASE WHEN lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180 AND NOT (lat = 0 AND lon = 0) THEN lon END AS lon,
  coalesce(available, false) AS available,
  steps,
  ts AS seen_at
FROM positions;

-- Who was heard of in which hour, and who was free in it at least once.
CREATE MATERIALIZED VIEW IF NOT EXISTS people_by_hour AS
SELECT date_trunc('hour', ts) AS hour, "user", bool_or(coalesce(available, false)) AS available
FROM HISTORY(positions)
GROUP BY 1, 2;

-- How many different people were free in an hour at least once.
CREATE MATERIALIZED VIEW IF NOT EXISTS available_by_hour AS
SELECT hour, count(*) FILTER (WHERE available) AS users
FROM people_by_hour
GROUP BY hour;

-- Steps of a person on a day of the person's own zone. Counters only grow until midnight, so the largest is the day's,
-- whatever order they come in.
CREATE MATERIALIZED VIEW IF NOT EXISTS daily_steps AS
SELECT local_date(told.ts, coalesce(known_zone(users.zone), 'America/New_York')) AS day, told."user", max(told.steps) AS steps
FROM HISTORY(positions) AS told LEFT JOIN users ON users."user" = told."user"
WHERE told.steps IS NOT NULL
GROUP BY 1, 2;

-- Computed when read ---------------------------------------------------------------------------------------------

-- Everybody whose place is known, for the map.
CREATE OR REPLACE VIEW people_on_map AS
SELECT
  people."user", coalesce(users.name, people."user") AS name, people.lat, people.lon,
  CASE WHEN people.available THEN 'Free' ELSE 'Busy' END AS status, people.available, people.steps, people.seen_at
FROM people LEFT JOIN users ON users."user" = people."user"
WHERE people.lat IS NOT NULL AND people.lon IS NOT NULL;

-- A person's friends who are free now, the nearest first: ask with "user" = ….
CREATE OR REPLACE VIEW near_and_free AS
SELECT
  me."user", them."user" AS friend, coalesce(users.name, them."user") AS name,
  ST_Distance(me.lon, me.lat, them.lon, them.lat) AS metres, them.lat, them.lon, them.seen_at
FROM friendships
JOIN people AS me ON me."user" = friendships."user"
JOIN people AS them ON them."user" = friendships.friend
LEFT JOIN users ON users."user" = them."user"
WHERE them.available
ORDER BY metres, friend;

-- The way a person went: one place for each second, the one told last. Ask with "user" = ….
CREATE OR REPLACE VIEW trail AS
SELECT "user", ts, last_value(lat ORDER BY _offset) AS lat, last_value(lon ORDER BY _offset) AS lon
FROM HISTORY(positions)
WHERE lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180 AND NOT (lat = 0 AND lon = 0)
GROUP BY "user", ts;

-- From each place of a trail to the next: how far and in what time. Who went faster than 10 m/s did not walk: the phone
-- was mistaken, or in a car.
CREATE OR REPLACE VIEW legs AS
SELECT "user", ts, metres, seconds, metres > 10 * seconds AS is_jump
FROM (
  SELECT
    "user", ts,
    ST_Distance(lag(lon) OVER way, lag(lat) OVER way, lon, lat) AS metres,
    date_part('epoch', ts) - date_part('epoch', lag(ts) OVER way) AS seconds
  FROM trail
  WINDOW way AS (PARTITION BY "user" ORDER BY ts)
) AS moves
WHERE metres IS NOT NULL;

-- How far a person walked on a day: ask with "user" = ….
CREATE OR REPLACE VIEW walked AS
SELECT
  local_date(legs.ts, coalesce(known_zone(users.zone), 'America/New_York')) AS day, legs."user",
  coalesce(sum(legs.metres) FILTER (WHERE NOT legs.is_jump), 0) AS metres,
  count(*) FILTER (WHERE legs.is_jump) AS jumps
FROM legs LEFT JOIN users ON users."user" = legs."user"
GROUP BY 1, 2;
