"""Sign-in links and sessions as they are kept: never their tokens."""

from __future__ import annotations

from dataclasses import asdict, replace

import sqlalchemy as sa

from awaitstep.storage.records import LoginLink, Session
from awaitstep.storage.sql.database import Database
from awaitstep.storage.sql.rows import first, record
from awaitstep.storage.sql.schema import login_links, sessions


class SqlSessions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add_link(self, link: LoginLink) -> None:
        with self._database.write() as db:
            db.execute(login_links.insert(), asdict(link))

    def begin(self, link: bytes, session: Session) -> Session | None:
        now = session.created_at
        mine = sa.and_(login_links.c.digest == link, login_links.c.expires_at > now)
        with self._database.read() as db:
            # a stranger's guess never waits for the lock that writers take
            project = db.scalar(sa.select(login_links.c.project).where(mine))
        if project is None:
            return None
        session = replace(session, project=project)
        with self._database.write() as db:
            if db.execute(sa.delete(login_links).where(mine)).rowcount != 1:
                return None
            for table in (login_links, sessions):
                db.execute(sa.delete(table).where(table.c.expires_at <= now))
            db.execute(sessions.insert(), asdict(session))
        return session

    def find(self, digest: bytes, now: float) -> Session | None:
        query = sa.select(sessions).where(sessions.c.digest == digest, sessions.c.expires_at > now)
        with self._database.read() as db:
            row = first(db, query)
        return None if row is None else record(Session, row)

    def extend(self, id: str, now: float, expires_at: float) -> bool:
        live = sa.and_(sessions.c.id == id, sessions.c.expires_at > now)
        with self._database.write() as db:
            change = sa.update(sessions).where(live).values(expires_at=expires_at)
            return db.execute(change).rowcount == 1

    def end(self, id: str) -> None:
        with self._database.write() as db:
            db.execute(sa.delete(sessions).where(sessions.c.id == id))
