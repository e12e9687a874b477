-- Every statement on the tables of webhooks after their rows have been made (jobs/queries.sql does that).

-- name: due
-- Longest due first; not those of peers and accounts that have as many under way as they may, nor those under way.
SELECT id, job_id, account, url, peer, origin, attempts FROM webhooks
WHERE state = 1 AND next_at <= :now
  AND peer NOT IN (SELECT value FROM json_each(:full)) AND account NOT IN (SELECT value FROM json_each(:busy))
  AND id NOT IN (SELECT value FROM json_each(:under_way))
ORDER BY next_at LIMIT :limit

-- name: next_at
SELECT next_at FROM webhooks
WHERE state = 1
  AND peer NOT IN (SELECT value FROM json_each(:full)) AND account NOT IN (SELECT value FROM json_each(:busy))
  AND id NOT IN (SELECT value FROM json_each(:under_way))
ORDER BY next_at LIMIT 1

-- name: last_attempt
SELECT coalesce(max(i), 0) FROM webhook_attempts WHERE webhook = :id

-- name: add_attempt
INSERT INTO webhook_attempts (webhook, i, at, status_code, error, duration_s)
SELECT :id, :i, :at, :status_code, :error, :duration_s WHERE EXISTS (SELECT 1 FROM webhooks WHERE id = :id)

-- name: drop_attempts
DELETE FROM webhook_attempts WHERE webhook = :id AND i <= :before

-- name: settle
-- `sent` is how many attempts there were when it was sent: one that was replayed meanwhile is sent again.
UPDATE webhooks SET attempts = :sent + 1, state = :state, next_at = :next_at, settled_at = :settled_at
WHERE id = :id AND state = 1 AND attempts = :sent

-- name: listed
SELECT w.id, w.job_id, w.url, w.state, w.created_at, w.next_at, w.settled_at, coalesce(a.i, 0), a.at, a.status_code,
       a.error, a.duration_s
FROM webhooks w LEFT JOIN webhook_attempts a
  ON a.webhook = w.id AND a.i = (SELECT max(i) FROM webhook_attempts WHERE webhook = w.id)
WHERE w.account = :account AND (w.created_at, w.id) < (:before, :before_id)
ORDER BY w.created_at DESC, w.id DESC LIMIT :limit

-- name: listed_of_state
SELECT w.id, w.job_id, w.url, w.state, w.created_at, w.next_at, w.settled_at, coalesce(a.i, 0), a.at, a.status_code,
       a.error, a.duration_s
FROM webhooks w LEFT JOIN webhook_attempts a
  ON a.webhook = w.id AND a.i = (SELECT max(i) FROM webhook_attempts WHERE webhook = w.id)
WHERE w.account = :account AND w.state = :state AND (w.created_at, w.id) < (:before, :before_id)
ORDER BY w.created_at DESC, w.id DESC LIMIT :limit

-- name: one
SELECT w.id, w.job_id, w.url, w.state, w.created_at, w.next_at, w.settled_at, coalesce(a.i, 0), a.at, a.status_code,
       a.error, a.duration_s
FROM webhooks w LEFT JOIN webhook_attempts a
  ON a.webhook = w.id AND a.i = (SELECT max(i) FROM webhook_attempts WHERE webhook = w.id)
WHERE w.account = :account AND w.id = :id

-- name: of_request
SELECT id FROM webhooks WHERE job_id = :job_id AND account = :account

-- name: attempts
SELECT a.i, a.at, a.status_code, a.error, a.duration_s FROM webhook_attempts a JOIN webhooks w ON w.id = a.webhook
WHERE w.id = :id AND w.account = :account ORDER BY a.i

-- name: state
SELECT state FROM webhooks WHERE id = :id AND account = :account

-- name: replay
UPDATE webhooks SET state = 1, attempts = 0, next_at = :now, settled_at = NULL
WHERE id = :id AND account = :account AND state != 0

-- name: forget_settled
DELETE FROM webhooks WHERE id IN (SELECT id FROM webhooks WHERE state >= 2 AND settled_at < :before LIMIT :limit)

-- name: forget_orphans
-- Its request was deleted before it ended; nobody will ever let it be sent.
DELETE FROM webhooks WHERE id IN (
  SELECT w.id FROM webhooks w
  WHERE w.state = 0 AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = w.job_id) LIMIT :limit)
