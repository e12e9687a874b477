-- What an account's ledger comes to. Parameters are :name; a list is a JSON array, NULL where nothing is asked for.
-- :buckets is a JSON array of [from, to) in Unix seconds. CROSS JOIN: one descent into the index for each bucket.

-- name: first
SELECT min(ended_at) FROM ledger
WHERE account = :account AND ended_at >= :start AND ended_at < :end

-- name: costs
SELECT b.key, g.endpoint, g.unit_price_usd, CASE WHEN :by_key THEN g.key_id ELSE '' END AS who, sum(g.units)
FROM json_each(:buckets) b CROSS JOIN ledger g
  ON g.account = :account
 AND g.ended_at >= json_extract(b.value, '$[0]') AND g.ended_at < json_extract(b.value, '$[1]')
WHERE g.units > 0
  AND (:endpoints IS NULL OR g.endpoint IN (SELECT value FROM json_each(:endpoints)))
  AND (:key_ids IS NULL OR g.key_id IN (SELECT value FROM json_each(:key_ids)))
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4

-- name: counts
SELECT b.key, g.endpoint,
       count(*),
       sum(g.status_code BETWEEN 200 AND 299),
       sum(g.status_code BETWEEN 400 AND 499),
       sum(g.status_code >= 500),
       sum(g.status_code >= 500 AND coalesce(g.error_type, '') IN (SELECT value FROM json_each(:startup))),
       sum(g.status_code >= 500 AND coalesce(g.error_type, '') IN (SELECT value FROM json_each(:connection))),
       sum(g.status_code >= 500 AND coalesce(g.error_type, '') IN (SELECT value FROM json_each(:timeout))),
       sum(CASE WHEN g.units > 0 THEN coalesce(g.inference_s, 0) ELSE 0 END)
FROM json_each(:buckets) b CROSS JOIN ledger g
  ON g.account = :account
 AND g.ended_at >= json_extract(b.value, '$[0]') AND g.ended_at < json_extract(b.value, '$[1]')
WHERE g.endpoint IN (SELECT value FROM json_each(:endpoints))
GROUP BY 1, 2
ORDER BY 1, 2

-- name: durations
-- Nearest rank: the smallest value that at least so many percent don't exceed.
SELECT bucket, endpoint,
       max(CASE WHEN place = (n * 25 + 99) / 100 THEN took END),
       max(CASE WHEN place = (n * 50 + 99) / 100 THEN took END),
       max(CASE WHEN place = (n * 75 + 99) / 100 THEN took END),
       max(CASE WHEN place = (n * 90 + 99) / 100 THEN took END),
       max(CASE WHEN place = (n * 95 + 99) / 100 THEN took END),
       max(CASE WHEN place = (n * 99 + 99) / 100 THEN took END)
FROM (
    SELECT bucket, endpoint, took,
           row_number() OVER (PARTITION BY bucket, endpoint ORDER BY took) AS place,
           count(*) OVER (PARTITION BY bucket, endpoint) AS n
    FROM (
        SELECT b.key AS bucket, g.endpoint AS endpoint,
               CASE WHEN :waiting THEN g.started_at - g.created_at ELSE g.ended_at - g.started_at END AS took
        FROM json_each(:buckets) b CROSS JOIN ledger g
          ON g.account = :account
         AND g.ended_at >= json_extract(b.value, '$[0]') AND g.ended_at < json_extract(b.value, '$[1]')
        WHERE g.started_at IS NOT NULL AND g.endpoint IN (SELECT value FROM json_each(:endpoints))
    )
)
GROUP BY 1, 2

-- name: events
SELECT job_id, endpoint, ended_at, units, unit_price_usd FROM ledger
WHERE account = :account AND ended_at >= :start AND ended_at < :end AND ended_at <= :at
  AND (ended_at < :at OR job_id < :id)
  AND units > 0
  AND (:request_id IS NULL OR job_id = :request_id)
  AND (:endpoints IS NULL OR endpoint IN (SELECT value FROM json_each(:endpoints)))
  AND (:key_ids IS NULL OR key_id IN (SELECT value FROM json_each(:key_ids)))
ORDER BY ended_at DESC, job_id DESC
LIMIT :limit

-- name: mean_units
SELECT avg(units) FROM (
    SELECT units FROM ledger
    WHERE account = :account AND endpoint = :endpoint AND units > 0
    ORDER BY ended_at DESC LIMIT 1000
)
