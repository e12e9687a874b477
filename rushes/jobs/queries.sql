-- The queue's statements. Parameters are :name. Status numbers: 0 IN_QUEUE, 1 IN_PROGRESS, 2 COMPLETED.

-- name: state
-- One lookup by id, one by line, and the few lines of the same endpoint that go first. The position still lacks the
-- gaps between the line's head and this job; there are none unless `gaps` says so.
SELECT j.id, l.endpoint, j.account, j.status,
       CASE j.status WHEN 0 THEN j.place - l.head + (
           SELECT coalesce(sum(f.waiting), 0) FROM lines f
           WHERE f.endpoint = l.endpoint
             AND (f.priority < l.priority OR (f.priority = l.priority AND f.returned > l.returned))
       ) END,
       j.cancel_requested, j.created_at, j.started_at, j.ended_at, j.error_type, j.error, j.served_by, j.inference_s,
       l.gaps, l.id, l.head, j.place
FROM jobs j JOIN lines l ON l.id = j.line
WHERE j.id = ?

-- name: result
SELECT j.id, l.endpoint, j.account, o.body, j.shape, j.error_type, j.status_code, j.retryable, j.by_caller,
       j.served_by, j.units, j.files, j.runner, o.companions
FROM jobs j JOIN lines l ON l.id = j.line JOIN outputs o ON o.job = j.n
WHERE j.id = :id AND j.status = 2

-- name: logs
SELECT g.at, g.message, g.level, g.labels
FROM jobs j JOIN logs g ON g.job = j.n
WHERE j.id = :id AND g.i >= :after
ORDER BY g.i

-- name: queue_length
SELECT coalesce(sum(waiting), 0) FROM lines WHERE endpoint = :endpoint

-- name: any_waiting
SELECT 1 FROM lines l
WHERE l.waiting > 0 AND l.endpoint IN (SELECT value FROM json_each(?))
  AND (l.lane = '' OR NOT EXISTS (SELECT 1 FROM keys k WHERE k.id = l.lane AND k.running >= k.max_concurrent))
LIMIT 1

-- name: waiting_lines
-- Read step by step, until the first line whose endpoint the runner serves; lanes of keys at their limit wait.
SELECT l.endpoint, l.id, l.head FROM lines l
WHERE l.waiting > 0
  AND (l.lane = '' OR NOT EXISTS (SELECT 1 FROM keys k WHERE k.id = l.lane AND k.running >= k.max_concurrent))
ORDER BY l.priority, l.head_job

-- name: any_lane
SELECT 1 FROM lines WHERE lane <> '' LIMIT 1

-- name: ahead_in_other_lanes
-- Older jobs in lines of the same kind but of other lanes. Counted one by one, and no further than 10,000.
SELECT count(*) FROM (
    SELECT 1
    FROM jobs me
    JOIN lines l ON l.id = me.line
    JOIN lines s ON s.endpoint = l.endpoint AND s.priority = l.priority AND s.returned = l.returned AND s.id <> l.id
    JOIN jobs o ON o.line = s.id AND o.status = 0 AND o.n < me.n
    WHERE me.id = :id AND s.waiting > 0
    LIMIT 10000
)

-- name: idle_lanes
-- Lines of keys that are gone, and that no job names any more. Jobs are read once, and only if there is such a line.
SELECT l.id FROM lines l LEFT JOIN keys k ON k.id = l.lane
WHERE l.lane <> '' AND l.waiting = 0 AND (k.id IS NULL OR k.revoked_at IS NOT NULL)
  AND l.id NOT IN (SELECT line FROM jobs) LIMIT :limit

-- name: still_used
SELECT 1 FROM jobs WHERE line = :line LIMIT 1

-- name: drop_gaps_of_line
DELETE FROM gaps WHERE line = :line

-- name: drop_line
DELETE FROM lines WHERE id = :line

-- name: waiting_in_lane_of
-- Endpoints that jobs of the same lane as this one wait for.
SELECT DISTINCT endpoint FROM lines
WHERE waiting > 0 AND lane <> '' AND lane = (SELECT l.lane FROM jobs j JOIN lines l ON l.id = j.line WHERE j.id = :id)

-- name: waiting_in_lane
SELECT coalesce(sum(waiting), 0) FROM lines WHERE lane = :lane

-- name: gaps_between
-- Sums the blocks that exactly cover the places from the head to a job (see places.cover); unused ranges are empty.
SELECT coalesce(sum(n), 0) FROM (
    SELECT n FROM gaps WHERE line = :line AND level = 0 AND block >= :a0 AND block < :b0
    UNION ALL SELECT n FROM gaps WHERE line = :line AND level = 0 AND block >= :c0 AND block < :d0
    UNION ALL SELECT n FROM gaps WHERE line = :line AND level = 1 AND block >= :a1 AND block < :b1
    UNION ALL SELECT n FROM gaps WHERE line = :line AND level = 1 AND block >= :c1 AND block < :d1
    UNION ALL SELECT n FROM gaps WHERE line = :line AND level = 2 AND block >= :a2 AND block < :b2
    UNION ALL SELECT n FROM gaps WHERE line = :line AND level = 2 AND block >= :c2 AND block < :d2
    UNION ALL SELECT n FROM gaps WHERE line = :line AND level = 3 AND block >= :a3 AND block < :b3
    UNION ALL SELECT n FROM gaps WHERE line = :line AND level = 3 AND block >= :c3 AND block < :d3
    UNION ALL SELECT n FROM gaps WHERE line = :line AND level = 4 AND block >= :a4 AND block < :b4
)

-- name: add_line
INSERT INTO lines (endpoint, priority, returned, lane) VALUES (:endpoint, :priority, :returned, :lane)
ON CONFLICT (endpoint, priority, returned, lane) DO NOTHING

-- name: line_of
SELECT id FROM lines
WHERE endpoint = :endpoint AND priority = :priority AND returned = :returned AND lane = :lane

-- name: extend_line
-- Gives out `count` places at the end; `first` is the job that gets the first of them.
UPDATE lines
SET head = CASE waiting WHEN 0 THEN tail + 1 ELSE head END,
    head_job = CASE waiting WHEN 0 THEN :first ELSE head_job END,
    tail = tail + :count,
    waiting = waiting + :count
WHERE endpoint = :endpoint AND priority = :priority AND returned = :returned AND lane = :lane
RETURNING id, tail

-- name: up_to_end_of_line
-- All that wait in a line and in those of its endpoint that go before it.
SELECT sum(f.waiting) FROM lines l JOIN lines f ON f.endpoint = l.endpoint
WHERE l.id = :line AND (f.priority < l.priority OR (f.priority = l.priority AND f.returned >= l.returned))

-- name: line_head
SELECT head FROM lines WHERE id = :line

-- name: next_in_line
SELECT place, n FROM jobs WHERE line = :line AND status = 0 AND place > :place ORDER BY place LIMIT 1

-- name: move_head
UPDATE lines SET waiting = waiting - 1, head = :head, head_job = :head_job WHERE id = :line

-- name: note_gap
UPDATE lines SET waiting = waiting - 1, gaps = gaps + 1 WHERE id = :line

-- name: add_gap
INSERT INTO gaps (line, level, block, n)
VALUES (:line, 0, :p0, 1), (:line, 1, :p1, 1), (:line, 2, :p2, 1), (:line, 3, :p3, 1), (:line, 4, :p4, 1)
ON CONFLICT (line, level, block) DO UPDATE SET n = n + 1

-- name: lines_with_gaps
SELECT id, head FROM lines WHERE gaps > 0

-- name: first_gap
SELECT min(block) FROM gaps WHERE line = :line AND level = :level

-- name: drop_gaps
DELETE FROM gaps WHERE line = :line AND level = :level AND block < :below

-- name: fewer_gaps
UPDATE lines SET gaps = gaps - :count WHERE id = :line

-- name: last_job
SELECT coalesce(max(n), 0) FROM jobs

-- name: head_of_line
SELECT j.n, j.id, l.endpoint, j.account, i.body, j.attempts, j.token, j.created_at, l.lane, x.hint, x.lifecycle,
       x.deployment, x.fallback, t.body
FROM jobs j JOIN lines l ON l.id = j.line JOIN inputs i ON i.job = j.n LEFT JOIN extras x ON x.job = j.n
     LEFT JOIN notes t ON t.job = j.n
WHERE j.line = :line AND j.place = :place AND j.status = 0

-- name: start
-- The start deadline has been met for good, even if the job is tried again later.
UPDATE jobs
SET status = 1, runner = :runner, token = :token, attempts = :attempts, lease_until = :until, started_at = :now,
    start_deadline = NULL
WHERE n = :n

-- name: renew
UPDATE jobs SET lease_until = :until WHERE id = :id AND token = :token AND status = 1
RETURNING n, cancel_requested

-- name: note_file
UPDATE jobs SET files = json_insert(coalesce(files, '[]'), '$[#]', :file) WHERE n = :n

-- name: noted_files
SELECT coalesce(files, '[]') FROM jobs WHERE id = :id

-- name: extend_leases
UPDATE jobs SET lease_until = :until WHERE status = 1 AND lease_until < :until

-- name: running
SELECT n, id, attempts, cancel_requested, retry, EXISTS (SELECT 1 FROM notes WHERE job = n) FROM jobs WHERE id = :id AND token = :token AND status = 1

-- name: finish
UPDATE jobs
SET status = 2, ended_at = :now, lease_until = NULL, served_by = :served_by, units = :units,
    inference_s = :inference_s, files = :files, private = max(private, :private)
WHERE id = :id AND token = :token AND status = 1
RETURNING n

-- name: end_with_failure
UPDATE jobs
SET status = 2, ended_at = :now, lease_until = NULL, shape = :shape, status_code = :status_code,
    error_type = :error_type, error = :error, retryable = :retryable, by_caller = :by_caller
WHERE n = :n

-- name: save_output
INSERT INTO outputs (job, body, companions) VALUES (:n, :body, :companions)

-- name: return
-- Only after this does the job have a place again.
UPDATE jobs
SET status = 0, line = :line, place = :place, attempts = :attempts, lease_until = NULL, started_at = NULL
WHERE n = :n

-- name: line_of_job
SELECT l.endpoint, l.priority, l.lane FROM jobs j JOIN lines l ON l.id = j.line WHERE j.n = :n

-- name: find
SELECT n, account, status, line, place FROM jobs WHERE id = :id

-- name: request_cancel
UPDATE jobs SET cancel_requested = max(cancel_requested, :how) WHERE n = :n

-- name: next_log
SELECT coalesce(max(i) + 1, 0) FROM logs WHERE job = :n

-- name: add_log
INSERT INTO logs (job, i, at, level, message, labels) VALUES (?, ?, ?, ?, ?, ?)

-- name: lost_leases
SELECT n, id, attempts, cancel_requested, retry, EXISTS (SELECT 1 FROM notes WHERE job = n) FROM jobs WHERE status = 1 AND lease_until < :now

-- name: leases_of
-- Every running job has a lease; saying so makes the index of leases do for finding a runner's few jobs. A process of
-- many threads is one runner: each is named with a slash after the process's name.
SELECT n, id, attempts, cancel_requested, retry, EXISTS (SELECT 1 FROM notes WHERE job = n) FROM jobs
WHERE status = 1 AND lease_until > 0 AND (runner = :runner OR substr(runner, 1, length(:runner) + 1) = :runner || '/')

-- name: leases_of_prefix
SELECT n, id, attempts, cancel_requested, retry, EXISTS (SELECT 1 FROM notes WHERE job = n) FROM jobs
WHERE status = 1 AND lease_until > 0 AND substr(runner, 1, length(:runner)) = :runner

-- name: any_missed_start
SELECT 1 FROM jobs WHERE status = 0 AND start_deadline IS NOT NULL AND start_deadline < ? LIMIT 1

-- name: missed_starts
SELECT n, id, line, place FROM jobs
WHERE status = 0 AND start_deadline IS NOT NULL AND start_deadline < :now
ORDER BY start_deadline LIMIT :limit

-- name: long_ended
SELECT n, files FROM jobs WHERE status = 2 AND ended_at < :before ORDER BY ended_at LIMIT :limit

-- name: forget
DELETE FROM jobs WHERE n IN (SELECT value FROM json_each(:jobs))

-- name: private_ended
SELECT n FROM jobs WHERE private = 1 AND ended_at < :before ORDER BY ended_at LIMIT :limit

-- name: forget_input
DELETE FROM inputs WHERE job = ?

-- name: forget_output
DELETE FROM outputs WHERE job = ?

-- name: forget_logs
DELETE FROM logs WHERE job = ?

-- name: forget_note
DELETE FROM notes WHERE job = ?

-- name: mark_forgotten
-- The words of an error may name what was given, an input's address for one; its type is a fact.
UPDATE jobs SET private = 2, error = error_type WHERE n = ?

-- name: more_running
UPDATE keys SET running = running + 1 WHERE id = :lane

-- name: fewer_running
UPDATE keys SET running = max(running - 1, 0)
WHERE id = (SELECT l.lane FROM jobs j JOIN lines l ON l.id = j.line WHERE j.n = :n)

-- name: keep_extras
INSERT INTO extras (job, tags, hint, lifecycle, deployment, fallback)
VALUES (:n, :tags, :hint, :lifecycle, :deployment, :fallback)

-- name: extras
SELECT x.tags, x.hint, x.lifecycle, x.deployment, x.fallback FROM jobs j JOIN extras x ON x.job = j.n WHERE j.id = :id

-- name: may_note
-- The present runner, or one that kept this very task before: nobody else knows what became of it.
SELECT j.n FROM jobs j LEFT JOIN notes t ON t.job = j.n
WHERE j.id = :id AND ((j.status = 1 AND j.token = :token) OR (:late AND j.status < 2 AND t.mark = :mark))

-- name: keep_note
INSERT INTO notes (job, body, mark) VALUES (:n, :body, :mark)
ON CONFLICT (job) DO UPDATE SET body = excluded.body, mark = excluded.mark

-- name: drop_note
DELETE FROM notes WHERE job = :n

-- name: note_of_cost
UPDATE ledger SET deployment = :deployment, cost_usd = :cost_usd, usage = :usage
WHERE job_id = (SELECT id FROM jobs WHERE n = :n)

-- name: keep_webhook
INSERT INTO webhooks (id, job_id, account, url, peer, origin, state, created_at)
VALUES (:id, :id, :account, :url, :peer, :origin, 0, :now)

-- name: webhook_due
UPDATE webhooks SET state = 1, next_at = :now WHERE job_id = :id AND state = 0

-- name: find_once
SELECT o.fingerprint, j.id FROM idempotency o JOIN jobs j ON j.n = o.job WHERE o.account = :account AND o.key = :key

-- name: keep_once
INSERT INTO idempotency (account, key, fingerprint, job)
SELECT :account, :key, :fingerprint, n FROM jobs WHERE id = :id

-- name: balance
SELECT running, spent_usd, reserved_usd FROM keys WHERE id = :key_id

-- name: reserve
UPDATE keys SET reserved_usd = reserved_usd + :amount WHERE id = :key_id

-- name: ended
SELECT j.id, l.endpoint, j.key_id, j.reserved_usd, coalesce(j.units, 0)
FROM jobs j JOIN lines l ON l.id = j.line WHERE j.n = :n

-- name: enter_in_ledger
INSERT INTO ledger
    (job_id, account, key_id, endpoint, created_at, started_at, ended_at, status_code, error_type, units,
     unit_price_usd, inference_s)
SELECT j.id, j.account, j.key_id, l.endpoint, j.created_at, j.started_at, j.ended_at, coalesce(j.status_code, 200),
       j.error_type, coalesce(j.units, 0), :price, j.inference_s
FROM jobs j JOIN lines l ON l.id = j.line WHERE j.n = :n
ON CONFLICT (job_id) DO NOTHING

-- name: spend
-- Rounded, or sums of floats would leave crumbs reserved when nothing is under way.
UPDATE keys SET spent_usd = spent_usd + :cost, reserved_usd = round(max(reserved_usd - :reserved, 0), 9) WHERE id = :key_id

-- name: old_ledger
DELETE FROM ledger WHERE job_id IN (SELECT job_id FROM ledger WHERE ended_at < :before ORDER BY ended_at LIMIT :limit)

-- name: ended_since
SELECT job_id, endpoint, status_code, created_at, started_at, ended_at, inference_s FROM ledger
WHERE (ended_at, job_id) > (:at, :id) ORDER BY ended_at, job_id LIMIT :limit

-- name: waiting_now
SELECT endpoint, priority, sum(waiting) FROM lines WHERE waiting > 0 GROUP BY endpoint, priority

-- name: running_now
-- Every running job has a lease; saying so makes the index of leases do.
SELECT l.endpoint, j.runner FROM jobs j JOIN lines l ON l.id = j.line WHERE j.status = 1 AND j.lease_until > 0

-- name: webhooks_due_now
SELECT count(*) FROM (SELECT 1 FROM webhooks WHERE state = 1 LIMIT ?)

-- name: webhooks_settled_since
-- The index of settled ones gives them in the order of their times.
SELECT state, count(*), max(settled_at) FROM (
    SELECT state, settled_at FROM webhooks WHERE state >= 2 AND settled_at > :since AND settled_at <= :until ORDER BY settled_at LIMIT :limit
)
GROUP BY state
