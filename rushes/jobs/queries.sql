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
       j.served_by, j.units, j.files
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
SELECT 1 FROM lines WHERE waiting > 0 AND endpoint IN (SELECT value FROM json_each(?)) LIMIT 1

-- name: waiting_lines
-- Read step by step, until the first line whose endpoint the runner serves.
SELECT endpoint, id, head FROM lines WHERE waiting > 0 ORDER BY priority, head_job

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
INSERT INTO lines (endpoint, priority, returned) VALUES (:endpoint, :priority, :returned)
ON CONFLICT (endpoint, priority, returned) DO NOTHING

-- name: line_of
SELECT id FROM lines WHERE endpoint = :endpoint AND priority = :priority AND returned = :returned

-- name: extend_line
-- Gives out `count` places at the end; `first` is the job that gets the first of them.
UPDATE lines
SET head = CASE waiting WHEN 0 THEN tail + 1 ELSE head END,
    head_job = CASE waiting WHEN 0 THEN :first ELSE head_job END,
    tail = tail + :count,
    waiting = waiting + :count
WHERE endpoint = :endpoint AND priority = :priority AND returned = :returned
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
SELECT j.n, j.id, l.endpoint, j.account, i.body, j.attempts, j.token, j.created_at
FROM jobs j JOIN lines l ON l.id = j.line JOIN inputs i ON i.job = j.n
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

-- name: running
SELECT n, id, attempts, cancel_requested, retry FROM jobs WHERE id = :id AND token = :token AND status = 1

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
INSERT INTO outputs (job, body) VALUES (:n, :body)

-- name: return
-- Only after this does the job have a place again.
UPDATE jobs
SET status = 0, line = :line, place = :place, attempts = :attempts, lease_until = NULL, started_at = NULL
WHERE n = :n

-- name: line_of_job
SELECT l.endpoint, l.priority FROM jobs j JOIN lines l ON l.id = j.line WHERE j.n = :n

-- name: find
SELECT n, account, status, line, place FROM jobs WHERE id = :id

-- name: request_cancel
UPDATE jobs SET cancel_requested = 1 WHERE n = :n

-- name: next_log
SELECT coalesce(max(i) + 1, 0) FROM logs WHERE job = :n

-- name: add_log
INSERT INTO logs (job, i, at, level, message, labels) VALUES (?, ?, ?, ?, ?, ?)

-- name: lost_leases
SELECT n, id, attempts, cancel_requested, retry FROM jobs WHERE status = 1 AND lease_until < :now

-- name: leases_of
-- Every running job has a lease; saying so makes the index of leases do for finding a runner's few jobs.
SELECT n, id, attempts, cancel_requested, retry FROM jobs
WHERE status = 1 AND lease_until > 0 AND runner = :runner

-- name: leases_of_prefix
SELECT n, id, attempts, cancel_requested, retry FROM jobs
WHERE status = 1 AND lease_until > 0 AND substr(runner, 1, length(:runner)) = :runner

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

-- name: mark_forgotten
UPDATE jobs SET private = 2 WHERE n = ?
