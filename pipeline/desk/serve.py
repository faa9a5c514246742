"""The desk's web server: one process, threads, the application straight from the package."""

from __future__ import annotations

import gc
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from pipeline.errors import ConfigError
from pipeline.settings import Settings

__all__ = ["make_server", "serve"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: Requests larger than this end before any of our code sees them; workbooks are checked again in their page.
MOST_BYTES = 24 * 2**20


def make_server(settings: Settings, *, host: str = "127.0.0.1", port: int = 8000, threads: int = 4) -> Any:
    """Return a waitress server bound to ``host:port``; raises ConfigError when that would not be safe or possible.

    Few ``threads``: they take turns at one interpreter, and more requests at once only make each of them slower.
    """
    if host not in _LOOPBACK and not settings.desk.https:
        raise ConfigError(
            "ZF-SERVE-PLAIN",
            f"在 {host} 上直接对外服务会用明文传密码和投诉人信息",
            "在前面放 HTTPS 反向代理，在 zuofeng.toml 的 [desk] 里设 https、trusted_proxy、hosts；或只用 127.0.0.1。",
        )
    from pipeline.desk.configure import open_desk

    open_desk(settings)
    from pipeline.desk.second_opinion import check_rules

    check_rules()
    from django.core.wsgi import get_wsgi_application
    from waitress import create_server

    proxy = settings.desk.trusted_proxy
    forwarded = {"trusted_proxy": proxy, "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"}}
    server = create_server(
        get_wsgi_application(),
        sockets=[_listen(host, port)],
        threads=threads,
        ident=None,
        clear_untrusted_proxy_headers=True,
        max_request_body_size=MOST_BYTES,
        **(forwarded if proxy else {}),
    )
    server.application = _with_peer(server.application)
    return server


def serve(settings: Settings, *, host: str, port: int, ready: Callable[[str], None] = lambda address: None) -> None:
    """Serve until interrupted or terminated; ``ready`` is told the address once it can be opened."""
    server = make_server(settings, host=host, port=port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    shown = f"[{host}]" if ":" in host else host
    ready(f"http://{shown}:{server.effective_port}/")
    from pipeline.desk.keeper import Keeper
    from pipeline.desk.scoring import LIVE

    keeper = Keeper()
    keeper.start()
    # What was loaded stays: walking through it again, the collector of garbage would keep people waiting.
    gc.freeze()
    try:
        server.run()
    finally:
        keeper.stop()
        LIVE.close()


def _with_peer(application: Callable[..., Any]) -> Callable[..., Any]:
    """Note who the connection came from before forwarding headers change what it looks like."""
    from pipeline.desk.sign_on import PEER

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        environ[PEER] = environ.get("REMOTE_ADDR", "")
        return application(environ, start)

    return answer


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as e:
        raise ConfigError(
            "ZF-SERVE-PORT", f"不能在 {host}:{port} 上监听（{e.strerror}）", "换一个端口：--port 8001。"
        ) from e
