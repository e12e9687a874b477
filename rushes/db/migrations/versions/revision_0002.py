"""Cloned voices, and jobs whose bodies are forgotten early."""

from alembic import op
from sqlalchemy import Column, Double, SmallInteger, Text, text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of voices; mark every job there is as an ordinary one."""
    op.create_table(
        "voices",
        Column("account", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("file_id", Text, nullable=False),
        Column("endpoint", Text, nullable=False),
        Column("created_at", Double, nullable=False),
        sqlite_with_rowid=False,
    )
    # Not by rebuilding the table: a new last column with a constant default costs nothing, however many jobs there are.
    op.add_column("jobs", Column("private", SmallInteger, nullable=False, server_default=text("0")))
    op.create_index("jobs_private", "jobs", ["ended_at"], sqlite_where=text("private = 1"))
