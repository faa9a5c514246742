"""What a real server does once would be done for each client and each account of the tests: most of their time."""

import contextlib

import pytest
from django.contrib.auth.hashers import ScryptPasswordHasher, make_password
from whitenoise.middleware import WhiteNoiseMiddleware

#: As an office hashes.
WORK = ScryptPasswordHasher.work_factor


@contextlib.contextmanager
def cheaply():
    """Hash passwords with next to no work, and look for static files once: each client starts Django's handler anew."""
    look, found = WhiteNoiseMiddleware.add_files_from_finders, {}

    def once(self):
        if not found:
            look(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", once)
        patch.setattr(ScryptPasswordHasher, "work_factor", 2)
        yield


def hashed_in_earnest(password):
    """Return it as a real server stores it, which would hash anew what was hashed cheaply, and end the session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScryptPasswordHasher, "work_factor", WORK)
        return make_password(password)


def session_of(user, seconds=None):
    """Return the stored session in which ``user`` is signed in; signing in by a page has tests of its own."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "pipeline.desk.login.PasswordBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    if seconds:
        store.set_expiry(seconds)
    store.save()
    return store.session_key
