"""Alembic migrations, which bring older files up to `db.tables`. Loaded only when a file needs one."""
