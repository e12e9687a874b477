"""Every table, once: what a new database is made from and what the migrations must end up equal to.

Rows only; what they mean is said by the stations that own them. Times are Unix seconds. Bodies that can be large lie in
tables of their own, so that reading or changing a job's facts never touches them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

# SQLite numbers rows by itself only in a column that is called INTEGER.
Number = BigInteger().with_variant(Integer, "sqlite")

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("alias", Text),
    Column("created_at", Double, nullable=False),
    Column("revoked_at", Double),
    Column("max_concurrent", Integer),  # most jobs of this key that run at once
    Column("budget_usd", Double),
    Column("running", Integer, nullable=False, server_default=text("0")),  # of a key with max_concurrent
    Column("spent_usd", Double, nullable=False, server_default=text("0")),  # these two of a key with a budget
    Column("reserved_usd", Double, nullable=False, server_default=text("0")),
    Index("keys_account", "account"),
)

voices = Table(
    "voices",
    metadata,
    Column("account", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("file_id", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    sqlite_with_rowid=False,
)

lines = Table(
    "lines",
    metadata,
    Column("id", Number, primary_key=True),
    Column("endpoint", Text, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("returned", SmallInteger, nullable=False),  # 1: the line of jobs that came back to be tried again
    Column("lane", Text, nullable=False, server_default=text("''")),  # a key with max_concurrent; '' for all others
    Column("waiting", BigInteger, nullable=False, server_default=text("0")),
    Column("tail", BigInteger, nullable=False, server_default=text("0")),  # the last place given out
    Column("head", BigInteger, nullable=False, server_default=text("0")),  # the first waiting job's place
    Column("head_job", BigInteger, nullable=False, server_default=text("0")),  # that job's n: how old it is
    Column("gaps", BigInteger, nullable=False, server_default=text("0")),  # rows of level 0 in table gaps
    UniqueConstraint("endpoint", "priority", "returned", "lane"),
)
Index("lines_by_age", lines.c.priority, lines.c.head_job, sqlite_where=lines.c.waiting > 0)

gaps = Table(
    "gaps",
    metadata,
    Column("line", Number, ForeignKey("lines.id"), primary_key=True),
    Column("level", SmallInteger, primary_key=True),
    Column("block", BigInteger, primary_key=True),
    Column("n", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

jobs = Table(
    "jobs",
    metadata,
    Column("n", BigInteger, nullable=False, unique=True),
    Column("id", Text, primary_key=True),
    Column("line", Number, ForeignKey("lines.id"), nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("account", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("start_deadline", Double),
    Column("retry", Boolean, nullable=False, server_default=text("1")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("token", Integer, nullable=False, server_default=text("0")),
    Column("cancel_requested", Boolean, nullable=False, server_default=text("0")),
    Column("runner", Text),
    Column("lease_until", Double),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("served_by", Text),
    Column("units", Double),
    Column("inference_s", Double),
    Column("files", Text),  # JSON list of file ids
    Column("shape", Text),
    Column("status_code", Integer),
    Column("error_type", Text),
    Column("error", Text),
    Column("retryable", Boolean),
    Column("by_caller", Boolean),
    Column("private", SmallInteger, nullable=False, server_default=text("0")),  # 1: bodies go early, 2: have gone
    Column("key_id", Text, nullable=False, server_default=text("''")),
    Column("reserved_usd", Double),  # of its key's budget, until it ends
    CheckConstraint("status IN (0, 1, 2)", name="jobs_status"),
    # Rows lie in the order of their ids, which is that of time: a poll finds its row in one descent instead of an
    # index's and then the table's, each a dozen cache misses among a million jobs.
    sqlite_with_rowid=False,
)
Index("jobs_waiting", jobs.c.line, jobs.c.place, sqlite_where=jobs.c.status == 0)
Index(
    "jobs_start_deadline",
    jobs.c.start_deadline,
    sqlite_where=(jobs.c.status == 0) & jobs.c.start_deadline.is_not(None),
)
Index("jobs_lease", jobs.c.lease_until, sqlite_where=jobs.c.status == 1)
Index("jobs_ended", jobs.c.ended_at, sqlite_where=jobs.c.status == 2)
Index("jobs_private", jobs.c.ended_at, sqlite_where=jobs.c.private == 1)

inputs = Table(
    "inputs",
    metadata,
    Column("job", Number, ForeignKey("jobs.n", ondelete="CASCADE"), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

outputs = Table(
    "outputs",
    metadata,
    Column("job", Number, ForeignKey("jobs.n", ondelete="CASCADE"), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("companions", Text),  # JSON object: address of a small picture, in its stored form, to what it is
)

logs = Table(
    "logs",
    metadata,
    Column("job", Number, ForeignKey("jobs.n", ondelete="CASCADE"), primary_key=True),
    Column("i", Integer, primary_key=True),  # 0, 1, 2, … within its job
    Column("at", Double, nullable=False),
    Column("level", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("labels", Text),  # JSON object
    sqlite_with_rowid=False,
)

extras = Table(
    "extras",  # what only few jobs have
    metadata,
    Column("job", Number, ForeignKey("jobs.n", ondelete="CASCADE"), primary_key=True),
    Column("tags", Text),  # JSON list of strings
    Column("hint", Text),
    Column("lifecycle", Text),  # the wire's JSON, for the files that the job makes
    Column("deployment", Text),  # the one that must serve it
    Column("fallback", Boolean, nullable=False, server_default=text("1")),
)

notes = Table(
    "notes",  # what a job's runner keeps for a try after this one
    metadata,
    Column("job", Number, ForeignKey("jobs.n", ondelete="CASCADE"), primary_key=True),
    Column("body", Text, nullable=False),
    Column("mark", Text, nullable=False),  # of the task that it tells of
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("account", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("job", Number, ForeignKey("jobs.n", ondelete="CASCADE"), nullable=False),
    Index("idempotency_job", "job"),
    sqlite_with_rowid=False,
)

ledger = Table(
    "ledger",  # one row for each job that has ended; outlives the job
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("ended_at", Double, nullable=False),
    Column("status_code", Integer, nullable=False),
    Column("error_type", Text),
    Column("units", Double, nullable=False),
    Column("unit_price_usd", Double, nullable=False),
    Column("inference_s", Double),
    Column("deployment", Text),
    Column("cost_usd", Double),  # what the operator paid for it, by their list of prices
    Column("usage", Text),  # JSON object: what a vendor says that it used, by unit
    Index("ledger_account", "account", "ended_at"),
    Index("ledger_ended", "ended_at"),
    sqlite_with_rowid=False,
)

webhooks = Table(
    "webhooks",  # one row for each delivery that was asked for
    metadata,
    Column("id", Text, primary_key=True),
    Column("job_id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("peer", Text, nullable=False),  # its host and port: only so many deliveries at once go to one
    Column("origin", Text, nullable=False),  # under which the submitter reached us: base of the files' addresses
    Column("state", SmallInteger, nullable=False),  # 0: its job has not ended, 1: to be sent, 2: delivered, 3: given up
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("created_at", Double, nullable=False),
    Column("next_at", Double),  # of state 1
    Column("settled_at", Double),  # of states 2 and 3
    Index("webhooks_job", "job_id"),
    Index("webhooks_account", "account", "created_at"),
    Index("webhooks_account_state", "account", "state", "created_at"),
    sqlite_with_rowid=False,
)
Index("webhooks_open", webhooks.c.created_at, sqlite_where=webhooks.c.state == 0)
Index("webhooks_due", webhooks.c.next_at, webhooks.c.peer, sqlite_where=webhooks.c.state == 1)
Index("webhooks_settled", webhooks.c.settled_at, sqlite_where=webhooks.c.state >= 2)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("webhook", Text, ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True),
    Column("i", Integer, primary_key=True),  # 1, 2, 3, …
    Column("at", Double, nullable=False),
    Column("status_code", Integer),  # None where there was no answer
    Column("error", Text),
    Column("duration_s", Double, nullable=False),
    sqlite_with_rowid=False,
)

storage_settings = Table(
    "storage_settings",
    metadata,
    Column("account", Text, primary_key=True),
    Column("lifecycle", Text, nullable=False),  # the wire's JSON
    sqlite_with_rowid=False,
)
