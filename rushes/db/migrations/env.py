"""What Alembic runs: the migrations, on the connection that `upgrade` brings along, in its transaction."""

from alembic import context

from rushes.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a column by rebuilding its table
)
context.run_migrations()
