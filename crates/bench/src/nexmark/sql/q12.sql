SELECT bidder, count(*) AS bid_count, window_start, window_end
FROM TUMBLE(bid, _ingested_at, INTERVAL '10 seconds')
GROUP BY bidder, window_start, window_end
