"""An OpenID provider on this machine, for whoever tests signing in."""

import base64
import contextlib
import hashlib
import http.server
import json
import threading
import time
from urllib.parse import parse_qs, urlencode, urlsplit


class Provider(http.server.BaseHTTPRequestHandler):
    """A tiny OpenID provider; ``server.lie`` changes what it signs."""

    def do_GET(self):
        s = self.server
        if self.path == "/.well-known/openid-configuration":
            ends = {f"{n}_endpoint": f"{s.issuer}/{n}" for n in ("authorization", "token")}
            self.say(
                {
                    "issuer": s.issuer,
                    **ends,
                    "jwks_uri": f"{s.issuer}/keys",
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )
        elif self.path == "/keys":
            self.say({"keys": [s.key.as_dict(private=False)]})
        else:
            # A reader it knows already: it says yes at once.
            asked = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
            s.codes["c0"] = asked
            self.send_response(302)
            self.send_header(
                "Location", f"{asked['redirect_uri']}?{urlencode({'code': 'c0', 'state': asked['state']})}"
            )
            self.end_headers()

    def do_POST(self):
        from joserfc import jwt

        s = self.server
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        asked = s.codes.pop(form["code"][0])
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"][0].encode()).digest()).rstrip(b"=")
        basic = base64.b64encode(b"zuofeng:hush").decode()
        if self.headers["Authorization"] != f"Basic {basic}" or proof.decode() != asked["code_challenge"]:
            return self.say({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": s.issuer, "aud": "zuofeng", "sub": "1", "iat": now, "exp": now + 60, "nonce": asked["nonce"],
            "preferred_username": s.who, **s.lie,
        }  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": s.key.kid}, claims, s.signs or s.key)
        return self.say({"access_token": "a", "token_type": "Bearer", "id_token": token})

    def say(self, body, status=200):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def new_key():
    from joserfc.jwk import RSAKey

    return RSAKey.generate_key(2048, {"kid": "k1"})


@contextlib.contextmanager
def serving(home, key, who="senior"):
    """A provider whose client ``zuofeng`` has its secret in the ``home`` of a desk."""
    secret = home / "oidc.secret"
    # With the mark that editors of Windows write at the beginning.
    secret.write_text("hush\n", encoding="utf-8-sig")
    secret.chmod(0o600)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        server.issuer = f"http://127.0.0.1:{server.server_port}"
        server.key, server.signs, server.lie, server.who, server.codes = key, None, {}, who, {}
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
