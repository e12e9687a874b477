"""The first tables: keys, and the queue with its lines, jobs, bodies and logs."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)

revision = "0001"
down_revision = None

Number = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """Make them."""
    _keys()
    _queue()
    _jobs()
    _bodies()


def _keys() -> None:
    op.create_table(
        "keys",
        Column("id", Text, primary_key=True),
        Column("account", Text, nullable=False),
        Column("scope", Text, nullable=False),
        Column("secret_hash", Text, nullable=False),
        Column("alias", Text),
        Column("created_at", Double, nullable=False),
        Column("revoked_at", Double),
    )
    op.create_index("keys_account", "keys", ["account"])


def _queue() -> None:
    op.create_table(
        "lines",
        Column("id", Number, primary_key=True),
        Column("endpoint", Text, nullable=False),
        Column("priority", SmallInteger, nullable=False),
        Column("returned", SmallInteger, nullable=False),
        Column("waiting", BigInteger, nullable=False, server_default=text("0")),
        Column("tail", BigInteger, nullable=False, server_default=text("0")),
        Column("head", BigInteger, nullable=False, server_default=text("0")),
        Column("head_job", BigInteger, nullable=False, server_default=text("0")),
        Column("gaps", BigInteger, nullable=False, server_default=text("0")),
        UniqueConstraint("endpoint", "priority", "returned"),
    )
    op.create_index("lines_by_age", "lines", ["priority", "head_job"], sqlite_where=text("waiting > 0"))
    op.create_table(
        "gaps",
        Column("line", Number, ForeignKey("lines.id"), primary_key=True),
        Column("level", SmallInteger, primary_key=True),
        Column("block", BigInteger, primary_key=True),
        Column("n", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
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
        Column("files", Text),
        Column("shape", Text),
        Column("status_code", Integer),
        Column("error_type", Text),
        Column("error", Text),
        Column("retryable", Boolean),
        Column("by_caller", Boolean),
        CheckConstraint("status IN (0, 1, 2)", name="jobs_status"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "jobs_start_deadline",
        "jobs",
        ["start_deadline"],
        sqlite_where=text("status = 0 AND start_deadline IS NOT NULL"),
    )
    op.create_index("jobs_waiting", "jobs", ["line", "place"], sqlite_where=text("status = 0"))
    op.create_index("jobs_lease", "jobs", ["lease_until"], sqlite_where=text("status = 1"))
    op.create_index("jobs_ended", "jobs", ["ended_at"], sqlite_where=text("status = 2"))


def _bodies() -> None:
    op.create_table(
        "inputs",
        Column("job", Number, ForeignKey("jobs.n", ondelete="CASCADE"), primary_key=True),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_table(
        "outputs",
        Column("job", Number, ForeignKey("jobs.n", ondelete="CASCADE"), primary_key=True),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_table(
        "logs",
        Column("job", Number, ForeignKey("jobs.n", ondelete="CASCADE"), primary_key=True),
        Column("i", Integer, primary_key=True),
        Column("at", Double, nullable=False),
        Column("level", Text, nullable=False),
        Column("message", Text, nullable=False),
        Column("labels", Text),
        sqlite_with_rowid=False,
    )
