"""Keys with limits, books that outlive their jobs, webhooks, and what only few jobs carry."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Integer,
    SmallInteger,
    Text,
    text,
)

revision = "0003"
down_revision = "0002"

Number = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """Add them; jobs that have ended already get their page in the books."""
    _keys()
    _lanes()
    _jobs()
    _books()
    _webhooks()
    op.create_table(
        "storage_settings",
        Column("account", Text, primary_key=True),
        Column("lifecycle", Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _keys() -> None:
    op.add_column("keys", Column("max_concurrent", Integer))
    op.add_column("keys", Column("budget_usd", Double))
    op.add_column("keys", Column("running", Integer, nullable=False, server_default=text("0")))
    op.add_column("keys", Column("spent_usd", Double, nullable=False, server_default=text("0")))
    op.add_column("keys", Column("reserved_usd", Double, nullable=False, server_default=text("0")))


def _lanes() -> None:
    """Make the table of lines anew, since SQLite can't change what is unique; lines are few, however many jobs."""
    op.execute(
        """CREATE TABLE new_lines (
        id INTEGER NOT NULL, endpoint TEXT NOT NULL, priority SMALLINT NOT NULL, returned SMALLINT NOT NULL,
        lane TEXT DEFAULT '' NOT NULL,
        waiting BIGINT DEFAULT 0 NOT NULL, tail BIGINT DEFAULT 0 NOT NULL, head BIGINT DEFAULT 0 NOT NULL,
        head_job BIGINT DEFAULT 0 NOT NULL, gaps BIGINT DEFAULT 0 NOT NULL,
        PRIMARY KEY (id), UNIQUE (endpoint, priority, returned, lane))"""
    )
    columns = "id, endpoint, priority, returned, waiting, tail, head, head_job, gaps"
    op.execute(f"INSERT INTO new_lines ({columns}) SELECT {columns} FROM lines")  # noqa: S608  our own names
    op.drop_table("lines")
    op.rename_table("new_lines", "lines")
    op.create_index("lines_by_age", "lines", ["priority", "head_job"], sqlite_where=text("waiting > 0"))


def _jobs() -> None:
    op.add_column("jobs", Column("key_id", Text, nullable=False, server_default=text("''")))
    op.add_column("jobs", Column("reserved_usd", Double))
    op.create_table(
        "extras",
        Column("job", Number, ForeignKey("jobs.n", ondelete="CASCADE"), primary_key=True),
        Column("tags", Text),
        Column("hint", Text),
        Column("lifecycle", Text),
    )
    op.create_table(
        "idempotency",
        Column("account", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("fingerprint", Text, nullable=False),
        Column("job", Number, ForeignKey("jobs.n", ondelete="CASCADE"), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("idempotency_job", "idempotency", ["job"])


def _books() -> None:
    op.create_table(
        "ledger",
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
        sqlite_with_rowid=False,
    )
    op.create_index("ledger_account", "ledger", ["account", "ended_at"])
    op.create_index("ledger_ended", "ledger", ["ended_at"])
    op.execute(
        """INSERT INTO ledger SELECT j.id, j.account, '', l.endpoint, j.created_at, j.started_at, j.ended_at,
        coalesce(j.status_code, 200), j.error_type, coalesce(j.units, 0), 0, j.inference_s
        FROM jobs j JOIN lines l ON l.id = j.line WHERE j.status = 2"""
    )


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        Column("id", Text, primary_key=True),
        Column("job_id", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("url", Text, nullable=False),
        Column("peer", Text, nullable=False),
        Column("origin", Text, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("created_at", Double, nullable=False),
        Column("next_at", Double),
        Column("settled_at", Double),
        sqlite_with_rowid=False,
    )
    op.create_index("webhooks_job", "webhooks", ["job_id"])
    op.create_index("webhooks_account", "webhooks", ["account", "created_at"])
    op.create_index("webhooks_account_state", "webhooks", ["account", "state", "created_at"])
    op.create_index("webhooks_open", "webhooks", ["created_at"], sqlite_where=text("state = 0"))
    op.create_index("webhooks_due", "webhooks", ["next_at", "peer"], sqlite_where=text("state = 1"))
    op.create_index("webhooks_settled", "webhooks", ["settled_at"], sqlite_where=text("state >= 2"))
    op.create_table(
        "webhook_attempts",
        Column("webhook", Text, ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True),
        Column("i", Integer, primary_key=True),
        Column("at", Double, nullable=False),
        Column("status_code", Integer),
        Column("error", Text),
        Column("duration_s", Double, nullable=False),
        sqlite_with_rowid=False,
    )
