"""One-time codes (RFC 6238) as a second factor; every code works once."""

from __future__ import annotations

from datetime import datetime

import pyotp
import segno

from bot.counsellors.models import Account

ISSUER = "Lotse"
STEP_SECONDS = 30
# A phone's clock may be off by this many steps in either direction.
STEPS_OFF = 1


def new_secret() -> str:
    """A secret to be shown once and stored when the first code has proved it."""
    return pyotp.random_base32()


def enrolment_uri(account: Account, secret: str) -> str:
    """What an authenticator app reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account.email, issuer_name=ISSUER)


def enrolment_picture(account: Account, secret: str) -> str:
    """The QR code as an SVG element."""
    code = segno.make(enrolment_uri(account, secret), error="m")
    return str(code.svg_inline(scale=5, border=2, svgclass="qr", lineclass=None, omitsize=True))


def matching_step(secret: str, code: str, *, now: datetime, after: int | None) -> int | None:
    """The time step that ``code`` belongs to, if it is valid now and later than ``after``."""
    digits = code.replace(" ", "")
    if len(digits) != 6 or not digits.isascii() or not digits.isdigit():
        return None
    totp = pyotp.TOTP(secret)
    present = int(now.timestamp()) // STEP_SECONDS
    for step in range(present - STEPS_OFF, present + STEPS_OFF + 1):
        expected = totp.at(step * STEP_SECONDS)
        if pyotp.utils.strings_equal(expected, digits) and (after is None or step > after):
            return step
    return None


def is_secret(written: str) -> bool:
    """Whether the text has the form of ``new_secret``."""
    return len(written) == 32 and set(written) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
