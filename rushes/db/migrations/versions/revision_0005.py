"""Vendors: what a runner keeps with a job, which deployment a caller asks for, and what a job cost the operator."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add a table and columns; jobs that are there already have nothing in them."""
    op.create_table(
        "notes",
        sa.Column("job", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("mark", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["job"], ["jobs.n"], ondelete="CASCADE"),
    )
    op.add_column("extras", sa.Column("deployment", sa.Text))
    op.add_column("extras", sa.Column("fallback", sa.Boolean, nullable=False, server_default=sa.text("1")))
    op.add_column("ledger", sa.Column("deployment", sa.Text))
    op.add_column("ledger", sa.Column("cost_usd", sa.Double))
    op.add_column("ledger", sa.Column("usage", sa.Text))
