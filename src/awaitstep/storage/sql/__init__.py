"""The store on SQLAlchemy Core: SQLite by default, PostgreSQL by URL."""

from awaitstep.storage.sql.store import SqlStore, open_beside, open_store

__all__ = ["SqlStore", "open_beside", "open_store"]
