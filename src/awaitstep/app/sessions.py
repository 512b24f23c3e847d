"""Who is signed in: one-time links, the sessions they begin, and how these end.

Nothing is remembered between requests, so that a sign-out holds from its answer on.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Final

from awaitstep.app.errors import Unavailable
from awaitstep.app.ids import new_id
from awaitstep.app.leaving import Leaving
from awaitstep.app.ports import Ports
from awaitstep.auth import tokens
from awaitstep.auth.identity import SCOPES, Identity
from awaitstep.storage.port import Sessions as Kept
from awaitstep.storage.port import Store
from awaitstep.storage.records import LoginLink, Organization, Project, Session

_DAY: Final = 24 * 3600.0
LASTS: Final = 30 * _DAY  # from its last day of use on
LINK_LASTS: Final = 600.0
_URL: Final = "dashboard.url"
# until there are accounts, a session is the owner of the server's
_NAME: Final = "Owner"


class Sessions:
    def __init__(self, ports: Ports, leaving: Leaving) -> None:
        self._ports = ports
        self._leaving = leaving
        self._kept = ports.store.sessions

    async def link(self, project: str, seconds: float) -> str:
        """The token of a new link into the project, valid for so long and for one use."""
        now = self._ports.clock.now()
        return await self._ports.change(None, new_link, self._kept, project, now, seconds)

    async def begin(self, token: str) -> tuple[str, Identity] | None:
        """Spend a link's token: the new session's own token and whose it is.

        None when the link is unknown, used or expired.
        """
        spent = tokens.digest(token)
        if spent is None:
            return None
        text, digest = tokens.new_token()
        now = self._ports.clock.now()
        draft = Session(new_id("ses"), "", digest, now, now + LASTS)
        # not `change`: strangers may ask this, and are not to stand in the line of those who write
        session = await self._ports.to_the_end(self._ports.read(self._kept.begin, spent, draft))
        return None if session is None else (text, _identity(session))

    async def identify(self, token: str) -> Identity | None:
        """Whose session it is, None when nobody's."""
        digest = tokens.digest(token)
        if digest is None:
            return None
        now = self._ports.clock.now()
        session = await self._ports.read(self._kept.find, digest, now)
        return None if session is None else _identity(session)

    async def renew(self, who: Identity) -> bool:
        """Have a session last its full time again, once a day; whether it does from now on."""
        now = self._ports.clock.now()
        if who.session is None or who.expires_at is None or who.expires_at > now + LASTS - _DAY:
            return False
        # a disk that is full is no reason to turn away who only reads
        with contextlib.suppress(Unavailable):
            return await self._ports.change(None, self._kept.extend, who.session, now, now + LASTS)
        return False

    async def end(self, session: str) -> None:
        """From the answer on, it opens nothing, and nothing is told to it any more."""
        await self._ports.change(None, self._kept.end, session)
        self._leaving.left(session)

    async def place(self, who: Identity) -> tuple[Project, Organization]:
        """What who asks sees. Raises NotFound."""
        return await self._ports.read(self._ports.store.tenancy.project, who.project)

    async def served_at(self, url: str) -> None:
        """Keep the dashboard's address for links that are made beside the server."""
        tenancy, value = self._ports.store.tenancy, url.encode()
        if await self._ports.read(tenancy.setting, _URL) != value:
            await self._ports.change(None, tenancy.replace_setting, _URL, value)


@dataclass(frozen=True, slots=True)
class Link:
    """What a person opens once."""

    url: str
    expires_at: float


def sign_in_url(dashboard: str, token: str) -> str:
    """The token is in the fragment, which browsers send to nobody: it stands in no log."""
    return f"{dashboard}/sign-in#{token}"


def link_beside(store: Store, now: float, dashboard: str | None) -> Link | None:
    """A link into the first project, made in the store alone: its server may run or not.

    `dashboard` is where the server was last when None. None when no server has used the store yet.
    """
    home, known = store.tenancy.home(), store.tenancy.setting(_URL)
    if home is None or known is None:
        return None
    token = new_link(store.sessions, home.project.id, now, LINK_LASTS)
    return Link(sign_in_url(dashboard or known.decode(), token), now + LINK_LASTS)


def new_link(kept: Kept, project: str, now: float, seconds: float) -> str:
    """Store a link into the project and give its token, which is not kept."""
    token, digest = tokens.new_token()
    kept.add_link(LoginLink(digest, project, now, now + seconds))
    return token


def _identity(session: Session) -> Identity:
    return Identity(
        session.project,
        frozenset(SCOPES),
        _NAME,
        session=session.id,
        expires_at=session.expires_at,
    )
