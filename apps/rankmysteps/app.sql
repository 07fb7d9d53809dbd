-- rankmysteps: the daily step leaderboard. Runs in the schema `rankmysteps`; running it again changes nothing.

-- What is counted ------------------------------------------------------------------------------------------------

-- Step counters send increments: {"source":"6","steps":10,"uuid":10133,"timestamp":"2016-02-02 18:41:39"}.
-- The time is local to US/Pacific. A time in the hour that autumn repeats cannot be told from its twin and is rejected.
CREATE STREAM IF NOT EXISTS steps (
  source TEXT,
  uuid   BIGINT NOT NULL,
  steps  BIGINT NOT NULL,
  ts     TIMESTAMPTZ NOT NULL PATH '$.timestamp' FORMAT '%Y-%m-%d %H:%M:%S' ZONE 'America/Los_Angeles'
) WITH (partition_by = 'uuid', partitions = 4, event_time = 'ts', format = 'json');

-- Fitbit exports (Fitabase), one row per person and hour. Keyed: a file that is read twice, or a corrected hour that
-- comes later, counts once. The columns are named as in the file's header.
CREATE STREAM IF NOT EXISTS fitbit_hourly (
  "Id"           BIGINT,
  "ActivityHour" TIMESTAMPTZ FORMAT '%m/%d/%y %H:%M' ZONE 'America/Los_Angeles',
  "StepTotal"    BIGINT NOT NULL,
  PRIMARY KEY ("Id", "ActivityHour")
);

-- The device's own total of a day. It is not the sum of its hours: see fitbit_feeds_compared.
CREATE STREAM IF NOT EXISTS fitbit_daily (
  "Id"          BIGINT,
  "ActivityDay" DATE FORMAT '%m/%d/%Y',
  "StepTotal"   BIGINT NOT NULL,
  PRIMARY KEY ("Id", "ActivityDay")
);

-- Steps a person wants to walk in a day; who set none has 10,000.
CREATE TABLE IF NOT EXISTS goals (uuid BIGINT PRIMARY KEY, steps BIGINT NOT NULL);

-- Kept up to date with every event -------------------------------------------------------------------------------

-- Steps of a person on a local day. A day belongs to the event's time zone, whenever the event arrives.
CREATE MATERIALIZED VIEW IF NOT EXISTS daily_steps AS
SELECT day, uuid, sum(steps) AS steps
FROM (
  SELECT CAST(ts AT TIME ZONE 'America/Los_Angeles' AS DATE) AS day, uuid, steps
  FROM steps
  UNION ALL
  SELECT CAST("ActivityHour" AT TIME ZONE 'America/Los_Angeles' AS DATE), "Id", "StepTotal"
  FROM fitbit_hourly
) AS increments
GROUP BY day, uuid;

-- Everybody of a day in order, counted: ranks, gaps, neighbours and pages of the leaderboard are found without sorting.
CREATE INDEX IF NOT EXISTS daily_ranks ON daily_steps RANKED (PARTITION BY day ORDER BY steps DESC, uuid);

-- How many people walked on a day, and how far together.
CREATE MATERIALIZED VIEW IF NOT EXISTS daily_totals AS
SELECT day, count(*) AS users, sum(steps) AS steps
FROM daily_steps
GROUP BY day;

-- Who walked within the last minutes, minute by minute.
CREATE MATERIALIZED VIEW IF NOT EXISTS latest_minutes AS
SELECT date_trunc('minute', ts) AS began, uuid, sum(steps) AS steps, max(ts) AS walked_at
FROM steps
WHERE ts > now() - INTERVAL '3 minutes'
GROUP BY date_trunc('minute', ts), uuid;

-- A person's best day so far, and everything together.
CREATE MATERIALIZED VIEW IF NOT EXISTS personal_bests AS
SELECT uuid, max(steps) AS best, count(*) AS days, sum(steps) AS total
FROM daily_steps
GROUP BY uuid;

-- Computed when read ---------------------------------------------------------------------------------------------

-- The ranking of every day. Equal steps share a rank and stand in order of uuid.
CREATE OR REPLACE VIEW leaderboard AS
SELECT day, rank, uuid, steps, ahead - steps AS gap_ahead, steps - behind AS gap_behind
FROM (
  SELECT
    day, uuid, steps,
    CAST(rank() OVER (PARTITION BY day ORDER BY steps DESC) AS BIGINT) AS rank,
    lag(steps) OVER (PARTITION BY day ORDER BY steps DESC, uuid) AS ahead,
    lead(steps) OVER (PARTITION BY day ORDER BY steps DESC, uuid) AS behind
  FROM daily_steps
) AS ranked
ORDER BY day, rank, uuid;

-- The ranking of the latest day there is.
CREATE OR REPLACE VIEW top_walkers AS
SELECT day, rank, uuid, steps, gap_ahead, gap_behind
FROM leaderboard
WHERE day = (SELECT max(day) FROM daily_totals)
ORDER BY rank, uuid;

-- One person among all of a day: ask with uuid = …. `percentile` is the share of the others, in percent, who walked
-- less; somebody alone has NULL.
CREATE OR REPLACE VIEW standings AS
SELECT
  day, uuid, steps, rank, walkers,
  CASE WHEN walkers > 1 THEN 100.0 * (fewer - 1) / (walkers - 1) END AS percentile,
  ahead - steps AS gap_ahead, steps - behind AS gap_behind
FROM (
  SELECT
    day, uuid, steps,
    CAST(rank() OVER (PARTITION BY day ORDER BY steps DESC) AS BIGINT) AS rank,
    CAST(rank() OVER (PARTITION BY day ORDER BY steps) AS BIGINT) AS fewer,
    count(*) OVER (PARTITION BY day) AS walkers,
    lag(steps) OVER (PARTITION BY day ORDER BY steps DESC, uuid) AS ahead,
    lead(steps) OVER (PARTITION BY day ORDER BY steps DESC, uuid) AS behind
  FROM daily_steps
) AS ranked;

-- The three places above and below a person on a day, and the person: ask with day = … AND uuid = ….
-- `difference` is how many steps the neighbour has more.
CREATE OR REPLACE VIEW neighbours AS
WITH places AS (
  SELECT day, uuid, steps, rank() OVER (PARTITION BY day ORDER BY steps DESC) AS rank FROM daily_steps
),
around AS (
  SELECT
    day, uuid, steps AS own_steps,
    unnest([lag(uuid, 3) OVER w, lag(uuid, 2) OVER w, lag(uuid) OVER w, uuid,
            lead(uuid) OVER w, lead(uuid, 2) OVER w, lead(uuid, 3) OVER w]) AS neighbour,
    unnest([lag(steps, 3) OVER w, lag(steps, 2) OVER w, lag(steps) OVER w, steps,
            lead(steps) OVER w, lead(steps, 2) OVER w, lead(steps, 3) OVER w]) AS steps,
    unnest([lag(rank, 3) OVER w, lag(rank, 2) OVER w, lag(rank) OVER w, rank,
            lead(rank) OVER w, lead(rank, 2) OVER w, lead(rank, 3) OVER w]) AS rank
  FROM places
  WINDOW w AS (PARTITION BY day ORDER BY steps DESC, uuid)
)
SELECT day, uuid, CAST(rank AS BIGINT) AS rank, neighbour, steps, steps - own_steps AS difference
FROM around
WHERE neighbour IS NOT NULL
ORDER BY day, uuid, rank, neighbour;

-- Runs of consecutive days on which a person reached the goal. The days of a run minus their numbers are one day.
CREATE OR REPLACE VIEW streaks AS
SELECT uuid, min(day) AS first_day, max(day) AS last_day, count(*) AS days, sum(steps) AS steps
FROM (
  SELECT
    reached.uuid, reached.day, reached.steps,
    CAST(date_part('epoch', reached.day) / 86400 AS BIGINT)
      - CAST(row_number() OVER (PARTITION BY reached.uuid ORDER BY reached.day) AS BIGINT) AS run
  FROM (
    SELECT daily_steps.uuid, daily_steps.day, daily_steps.steps
    FROM daily_steps LEFT JOIN goals ON goals.uuid = daily_steps.uuid
    WHERE daily_steps.steps >= coalesce(goals.steps, 10000)
  ) AS reached
) AS numbered
GROUP BY uuid, run
ORDER BY uuid, first_day;

-- Each person's longest run; of equally long ones the latest.
CREATE OR REPLACE VIEW longest_streaks AS
SELECT uuid, first_day, last_day, days, steps
FROM (
  SELECT *, row_number() OVER (PARTITION BY uuid ORDER BY days DESC, last_day DESC) AS place FROM streaks
) AS ordered
WHERE place = 1
ORDER BY days DESC, uuid;

-- On which day (the first, of equal ones) a person walked furthest.
CREATE OR REPLACE VIEW personal_best_days AS
SELECT personal_bests.uuid, min(daily_steps.day) AS day, personal_bests.best AS steps
FROM personal_bests
JOIN daily_steps ON daily_steps.uuid = personal_bests.uuid AND daily_steps.steps = personal_bests.best
GROUP BY personal_bests.uuid, personal_bests.best;

-- A person's last 30 days, counted back from the latest day there is: ask with uuid = ….
CREATE OR REPLACE VIEW last_30_days AS
SELECT day, uuid, steps
FROM daily_steps
WHERE day > (SELECT max(day) FROM daily_totals) - INTERVAL '30 days'
ORDER BY uuid, day;

-- Fitbit's two feeds side by side: the sum of the hours and the device's own number. A feed that says nothing of a day
-- is NULL, which differs from 0.
CREATE OR REPLACE VIEW fitbit_feeds_compared AS
SELECT
  coalesce(hourly.day, daily.day) AS day,
  coalesce(hourly.uuid, daily.uuid) AS uuid,
  hourly.steps AS steps_by_hour,
  daily.steps AS steps_by_day,
  hourly.steps IS DISTINCT FROM daily.steps AS differs
FROM (
  SELECT
    CAST("ActivityHour" AT TIME ZONE 'America/Los_Angeles' AS DATE) AS day,
    "Id" AS uuid, sum("StepTotal") AS steps
  FROM fitbit_hourly
  GROUP BY 1, 2
) AS hourly
FULL OUTER JOIN (
  SELECT "ActivityDay" AS day, "Id" AS uuid, "StepTotal" AS steps FROM fitbit_daily
) AS daily
ON hourly.day = daily.day AND hourly.uuid = daily.uuid
ORDER BY day, uuid;
