"""What accompanies a result: posters, thumbnails and other small pictures, found beside its output."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; results that are there already have none."""
    op.add_column("outputs", Column("companions", Text))
