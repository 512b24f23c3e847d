"""Signing in and out, and who is asking."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ConfigDict, StringConstraints

from awaitstep.api.access import App, HasSession, Reader, origins_of
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.guesses import Guesses, address_of
from awaitstep.api.model import Body, Shape, maybe_at
from awaitstep.api.problems import Refusal
from awaitstep.app.sessions import LASTS
from awaitstep.auth.identity import SCOPES, Identity, Scope

router = APIRouter(prefix="/api", tags=["sessions"], route_class=ApiRoute)


class SignIn(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"token": "q3Vb0Yw5r2Tn8Kx1Lm6Pz9Hd4Jc7Gs-_AeRfUoIyEkQ"}]}
    )

    token: Annotated[str, StringConstraints(max_length=1000)]


class UserShape(Shape):
    name: str


class PlaceShape(Shape):
    id: str
    name: str


class MeShape(Shape):
    """Who is asking."""

    user: UserShape
    project: PlaceShape
    organization: PlaceShape
    scopes: list[Scope]
    expires_at: datetime | None


async def _our_page(request: Request) -> None:
    origins_of(request).must_be_ours(request.method, request.headers)


@router.post(
    "/auth/sessions",
    status_code=204,
    dependencies=[Depends(_our_page)],
    responses={401: {}, 403: {}, 429: {}},
)
async def sign_in(body: SignIn, app: App, request: Request, response: Response) -> None:
    """Spend the token of a sign-in link; the answer sets the session's cookie."""
    guesses: Guesses = request.app.state.guesses
    address = address_of(request)
    guesses.must_be_few(address)
    begun = await app.sessions.begin(body.token)
    if begun is None:
        guesses.count(address)
        raise Refusal(
            401,
            "auth.link",
            "This link was used already, or is too old. `awaitstep login-link` makes another.",
            {"WWW-Authenticate": "Bearer"},
        )
    token, _ = begun
    response.headers["set-cookie"] = origins_of(request).set_cookie(token, LASTS)


@router.delete("/auth/sessions", status_code=204)
async def sign_out(
    app: App, who: Annotated[Identity, Depends(HasSession())], request: Request, response: Response
) -> None:
    """End the session of the cookie; 403 for a key, which has none."""
    assert who.session is not None
    await app.sessions.end(who.session)
    response.headers["set-cookie"] = origins_of(request).set_cookie("", 0)


@router.get("/me")
async def me(app: App, who: Reader) -> MeShape:
    """Who is asking, and what they see. `expiresAt` is null for a key."""
    project, organization = await app.sessions.place(who)
    return MeShape(
        user=UserShape(name=who.name),
        project=PlaceShape(id=project.id, name=project.name),
        organization=PlaceShape(id=organization.id, name=organization.name),
        scopes=[scope for scope in SCOPES if who.may(scope)],
        expires_at=maybe_at(who.expires_at),
    )
