SELECT b.auction, b.bidder, b.price, b.date_time, s.value
FROM (SELECT auction, bidder, price, date_time, auction % 10000 AS key FROM bid) b
JOIN side_input s ON b.key = s.key
