-- What an account's requests cost. Parameters are :name; a stretch of time is [:start, :end) in Unix seconds.

-- name: costs
SELECT coalesce(deployment, ''), endpoint, count(*), count(cost_usd), sum(units), sum(units * unit_price_usd),
       coalesce(sum(cost_usd), 0.0)
FROM ledger
WHERE account = :account AND ended_at >= :start AND ended_at < :end AND units > 0
GROUP BY 1, 2
ORDER BY 1, 2

-- name: used
-- The inner query adds up each unit; the outer one puts a deployment's units into one JSON object.
SELECT deployment, endpoint, json_group_object(unit, amount)
FROM (
  SELECT g.deployment AS deployment, g.endpoint AS endpoint, u.key AS unit, sum(u.value) AS amount
  FROM ledger g CROSS JOIN json_each(g.usage) u
  WHERE g.account = :account AND g.ended_at >= :start AND g.ended_at < :end AND g.units > 0
  GROUP BY 1, 2, 3
)
GROUP BY 1, 2
