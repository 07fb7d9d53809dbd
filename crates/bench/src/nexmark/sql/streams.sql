CREATE SCHEMA nexmark;
CREATE STREAM nexmark.person (
  id            BIGINT NOT NULL,
  name          TEXT,
  email_address TEXT,
  credit_card   TEXT,
  city          TEXT,
  state         TEXT,
  date_time     TIMESTAMPTZ NOT NULL UNIT 'ms',
  extra         TEXT
) WITH (format = 'text', partitions = 4, event_time = 'date_time');
CREATE STREAM nexmark.auction (
  id          BIGINT NOT NULL,
  item_name   TEXT,
  description TEXT,
  initial_bid BIGINT,
  reserve     BIGINT,
  date_time   TIMESTAMPTZ NOT NULL UNIT 'ms',
  expires     TIMESTAMPTZ NOT NULL UNIT 'ms',
  seller      BIGINT NOT NULL,
  category    BIGINT,
  extra       TEXT
) WITH (format = 'text', partitions = 4, event_time = 'date_time');
CREATE STREAM nexmark.bid (
  auction   BIGINT NOT NULL,
  bidder    BIGINT NOT NULL,
  price     BIGINT NOT NULL,
  channel   TEXT,
  url       TEXT,
  date_time TIMESTAMPTZ NOT NULL UNIT 'ms',
  extra     TEXT
) WITH (format = 'text', partitions = 4, event_time = 'date_time');
