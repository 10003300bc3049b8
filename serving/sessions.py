"""Log-in sessions: a signed cookie that names user, epoch and session; nothing of it is kept here but log-outs."""

import secrets
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeTimedSerializer

from serving.accounts import Known
from serving.roles import Who

COOKIE = "anxu_session"


@dataclass(frozen=True)
class Session:
    """A live session and who it is."""

    session_id: str
    who: Who


def begun(known: Known, user_id: str) -> str:
    """The cookie of a new session of a live user."""
    _, epoch, _ = known.users[user_id]
    return _signer(known).dumps([user_id, epoch, secrets.token_urlsafe(12)])


def session(known: Known, cookie: str, max_age_s: float) -> Session | None:
    """The session a cookie names; None when it was changed, ran out, was logged out, or its user or password is gone."""
    try:
        user_id, epoch, session_id = _signer(known).loads(cookie, max_age=int(max_age_s))
    except (BadData, ValueError, TypeError):
        return None
    found = known.users.get(user_id)
    if found is None or found[1] != epoch or session_id in known.ended:
        return None
    return Session(session_id, found[0])


def _signer(known: Known) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        known.session_secret, salt="anxu-session", signer_kwargs={"key_derivation": "hmac"}
    )
