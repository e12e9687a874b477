-- What an account asks about its ended requests. Parameters are :name; a list is a JSON array, NULL where nothing is
-- asked for. Private requests stay out of the history. CROSS JOIN keeps the order in which SQLite walks the tables.

-- name: ended
-- Newest first, after the place (:at, :id).
SELECT b.job_id, b.endpoint, b.created_at, b.started_at, b.ended_at, b.status_code, b.ended_at
FROM ledger b CROSS JOIN jobs j ON j.id = b.job_id
WHERE b.account = :account AND b.ended_at >= :start AND b.ended_at < :end AND b.ended_at <= :at
  AND (b.ended_at < :at OR b.job_id < :id)
  AND b.status_code BETWEEN :least_status AND :most_status
  AND (:endpoints IS NULL OR b.endpoint IN (SELECT value FROM json_each(:endpoints)))
  AND j.private = 0
  AND (:text IS NULL OR EXISTS (
      SELECT 1 FROM inputs i WHERE i.job = j.n AND instr(lower(CAST(i.body AS TEXT)), :text) > 0))
ORDER BY b.ended_at DESC, b.job_id DESC
LIMIT :limit

-- name: longest
-- Longest first; those that never started come last.
SELECT b.job_id, b.endpoint, b.created_at, b.started_at, b.ended_at, b.status_code,
       b.ended_at - coalesce(b.started_at, b.ended_at) AS took
FROM ledger b CROSS JOIN jobs j ON j.id = b.job_id
WHERE b.account = :account AND b.ended_at >= :start AND b.ended_at < :end
  AND (took < :at OR (took = :at AND b.job_id < :id))
  AND b.status_code BETWEEN :least_status AND :most_status
  AND (:endpoints IS NULL OR b.endpoint IN (SELECT value FROM json_each(:endpoints)))
  AND j.private = 0
  AND (:text IS NULL OR EXISTS (
      SELECT 1 FROM inputs i WHERE i.job = j.n AND instr(lower(CAST(i.body AS TEXT)), :text) > 0))
ORDER BY took DESC, b.job_id DESC
LIMIT :limit

-- name: one
-- A single request, whether it has ended or not.
SELECT j.id, l.endpoint, j.created_at, j.started_at, j.ended_at,
       CASE j.status WHEN 2 THEN coalesce(j.status_code, 200) END, coalesce(j.ended_at, 0)
FROM jobs j JOIN lines l ON l.id = j.line
WHERE j.id = :id AND j.account = :account AND j.private = 0

-- name: sizes
SELECT j.id, coalesce(length(i.body), 0) + coalesce(length(o.body), 0)
FROM json_each(:ids) asked JOIN jobs j ON j.id = asked.value
LEFT JOIN inputs i ON i.job = j.n LEFT JOIN outputs o ON o.job = j.n

-- name: payloads
SELECT j.id, i.body, o.body, j.files, o.companions
FROM json_each(:ids) asked JOIN jobs j ON j.id = asked.value
LEFT JOIN inputs i ON i.job = j.n LEFT JOIN outputs o ON o.job = j.n
WHERE j.account = :account

-- name: stored
SELECT status, files FROM jobs WHERE id = :id AND account = :account

-- name: drop_input
DELETE FROM inputs WHERE job = (SELECT n FROM jobs WHERE id = :id AND account = :account AND status = 2)

-- name: drop_output
DELETE FROM outputs WHERE job = (SELECT n FROM jobs WHERE id = :id AND account = :account AND status = 2)

-- name: drop_files
UPDATE jobs SET files = NULL WHERE id = :id AND account = :account AND status = 2

-- name: count_waiting
SELECT count(*) FROM lines l CROSS JOIN jobs j ON j.line = l.id AND j.status = 0
WHERE l.waiting > 0 AND l.endpoint IN (SELECT value FROM json_each(:endpoints)) AND j.account = :account

-- name: waiting
SELECT j.id FROM lines l CROSS JOIN jobs j ON j.line = l.id AND j.status = 0
WHERE l.waiting > 0 AND l.endpoint IN (SELECT value FROM json_each(:endpoints)) AND j.account = :account
  AND j.created_at <= :until
LIMIT :limit
