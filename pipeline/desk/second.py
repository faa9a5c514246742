"""The second factor: six digits from a phone besides the password; recovery codes for a phone that is gone."""

from __future__ import annotations

from django.db import transaction
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from pipeline.desk import audit
from pipeline.desk.tables import User

__all__ = ["begin", "check", "confirm", "has_second", "picture", "secret_of", "take_away", "with_second"]

CODES = 8


def has_second(user: User) -> bool:
    """Return whether the account asks for a code."""
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def with_second() -> set[int]:
    """Return the numbers of all accounts that ask for a code."""
    return set(TOTPDevice.objects.filter(confirmed=True).values_list("user_id", flat=True))


@transaction.atomic
def begin(user: User) -> TOTPDevice:
    """Return the secret the account is about to take on; the same until it is confirmed."""
    # No rule of the table keeps two pages that open at once from making one each: they wait here for each other.
    User.objects.select_for_update().get(pk=user.pk)
    return _begun(user) or TOTPDevice.objects.create(user=user, confirmed=False, name="手机")


def secret_of(device: TOTPDevice) -> str:
    """Return the secret as people type it: base 32 in groups of four."""
    from base64 import b32encode

    text = b32encode(device.bin_key).decode()
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def picture(device: TOTPDevice) -> str:
    """Return the secret as a QR code in SVG, black on white."""
    import segno

    return str(segno.make_qr(device.config_url, error="m").svg_inline(scale=4, dark="#000", light="#fff"))


def confirm(user: User, code: str) -> list[str] | None:
    """Take the second factor on when ``code`` fits; return recovery codes, shown once, None when it does not fit."""
    with transaction.atomic():
        device = _begun(user)
        if device is None or not _fits(device, code):
            return None
        TOTPDevice.objects.filter(user=user).exclude(pk=device.pk).delete()
        device.confirmed = True
        device.save()
        StaticDevice.objects.filter(user=user).delete()
        spare = StaticDevice.objects.create(user=user, name="备用码")
        codes = [StaticToken.random_token() for _ in range(CODES)]
        StaticToken.objects.bulk_create([StaticToken(device=spare, token=c) for c in codes])
        audit.record("account.second_on", user.username)
    return codes


def check(user: User, code: str) -> bool:
    """Return whether ``code`` is the phone's now, or a recovery code; each counts once, wrong ones cost time."""
    kind: type[TOTPDevice] | type[StaticDevice] = TOTPDevice if code.isdecimal() and len(code) == 6 else StaticDevice
    with transaction.atomic():
        device = kind.objects.select_for_update().filter(user=user, confirmed=True).first()
        return device is not None and _fits(device, code)


@transaction.atomic
def take_away(user: User, *, actor: str | None = None) -> None:
    """Let the account do without a second factor again."""
    gone = TOTPDevice.objects.filter(user=user).delete()[0] + StaticDevice.objects.filter(user=user).delete()[0]
    if gone:
        audit.record("account.second_off", user.username, actor=actor)


def _begun(user: User) -> TOTPDevice | None:
    """Return the secret that waits to be confirmed: of several the first, for page and answer alike."""
    waiting = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=False)
    return waiting.order_by("pk").first()


def _fits(device: TOTPDevice | StaticDevice, code: str) -> bool:
    return bool(device.verify_is_allowed()[0] and device.verify_token(code))
