"""Who is asking, and what they may: tokens with permissions and an end, and the App's own sign-in by signed claim."""

import base64
import json
import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.twins.github.clock import Clock
from tests.twins.github.errors import Refusal, forbidden
from tests.twins.github.world import BOT

RIGHTS = {
    "metadata": "read",
    "contents": "write",
    "pull_requests": "write",
    "statuses": "write",
    "checks": "read",
}
LONGEST_CLAIM = timedelta(minutes=10)
DRIFT = timedelta(seconds=60)
ORDER = {"read": 1, "write": 2, "admin": 3}


@dataclass(frozen=True)
class Token:
    """A key to the repository. `scopes` are those of a classic token; `kind` is app, classic or fine-grained."""

    text: str
    login: str = BOT
    kind: str = "app"
    permissions: dict[str, str] = field(default_factory=lambda: dict(RIGHTS))
    scopes: tuple[str, ...] | None = None
    expires_at: datetime | None = None
    sees: bool = True

    def may(self, *rights: str) -> bool:
        """Whether one of the rights, such as `contents:write`, is given."""
        return any(self._may(*right.split(":")) for right in rights)

    def _may(self, what: str, level: str) -> bool:
        return ORDER.get(self.permissions.get(what, ""), 0) >= ORDER[level]

    def need(self, *rights: str) -> None:
        if not self.may(*rights):
            raise forbidden(self.kind)


@dataclass
class SignIn:
    clock: Clock
    tokens: dict[str, Token] = field(default_factory=dict)
    app_id: int = 31
    client_id: str = "Iv23liPostbot"
    installation: int = 47
    permissions: dict[str, str] = field(default_factory=lambda: dict(RIGHTS))
    key: rsa.RSAPublicKey | None = None
    suspended: bool = False
    asked: dict[str, str] | None = None
    selection: str = "selected"

    def add(self, token: Token) -> Token:
        self.tokens[token.text] = token
        return token

    def who(self, header: str | None) -> Token:
        """The token that an Authorization header carries, still good."""
        token = self.tokens.get(_bare(header))
        if token is None or (token.expires_at is not None and token.expires_at <= self.clock.now()):
            raise Refusal(401, "Bad credentials")
        if self.suspended and token.kind == "app":
            raise Refusal(403, "This installation has been suspended")
        return token

    def is_claim(self, header: str | None) -> bool:
        return _bare(header).count(".") == 2

    def app(self, header: str | None) -> None:
        """Check the App's signed claim: RS256, our App, issued before now, over within ten minutes."""
        claim = _bare(header)
        try:
            head, body, signature = claim.split(".")
            if json.loads(_decoded(head)).get("alg") != "RS256" or self.key is None:
                raise Refusal(401, "A JSON web token could not be decoded")
            self.key.verify(_decoded(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), SHA256())
            said = json.loads(_decoded(body))
            issued, over = (datetime.fromtimestamp(int(said[name]), self.clock.now().tzinfo) for name in ("iat", "exp"))
        except (ValueError, KeyError, InvalidSignature):
            raise Refusal(401, "A JSON web token could not be decoded") from None
        self._check_window(issued, over)
        if str(said.get("iss")) not in {str(self.app_id), self.client_id}:
            raise Refusal(401, "Integration not found", kind="NOT_FOUND")

    def _check_window(self, issued: datetime, over: datetime) -> None:
        now = self.clock.now()
        if over <= now:
            raise Refusal(
                401,
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
            )
        if over > now + LONGEST_CLAIM:
            raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")
        if issued > now + DRIFT:
            raise Refusal(
                401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
            )

    def grant(self, asked: dict[str, str] | None) -> Token:
        """A token of the installation for an hour, with its rights or fewer."""
        if self.suspended:
            raise Refusal(403, "This installation has been suspended")
        own = Token("", permissions=self.permissions)
        for what, level in (asked or {}).items():
            if level not in ORDER or not own.may(f"{what}:{level}"):
                raise Refusal(422, "The permissions requested are not granted to this installation.")
        expires = self.clock.now() + timedelta(hours=1)
        permissions = {"metadata": "read", **asked} if asked else dict(self.permissions)
        return self.add(replace(own, text="ghs_" + secrets.token_hex(18), permissions=permissions, expires_at=expires))

    def set_key(self, pem: str) -> None:
        key = load_pem_public_key(pem.encode())
        if not isinstance(key, rsa.RSAPublicKey):
            raise TypeError("an App signs with an RSA key")
        self.key = key


def _bare(header: str | None) -> str:
    found = re.fullmatch(r"(?i)(?:token|bearer) +(\S+)", header or "")
    return found[1] if found else ""


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
