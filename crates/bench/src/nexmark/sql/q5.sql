WITH counted AS (
  SELECT auction, count(*) AS num, window_start, window_end
  FROM HOP(bid, date_time, INTERVAL '2 seconds', INTERVAL '10 seconds')
  GROUP BY auction, window_start, window_end
)
SELECT counted.auction, counted.num, counted.window_start
FROM counted
JOIN (
  SELECT max(num) AS most, window_start, window_end
  FROM counted
  GROUP BY window_start, window_end
) hottest
  ON counted.window_start = hottest.window_start AND counted.window_end = hottest.window_end AND counted.num >= hottest.most
