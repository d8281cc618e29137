"""`abusedesk web`: the console and the public pages, by granian."""

import argparse
import errno
import os
import socket

from abusedesk import configuration, lifeline
from abusedesk.cli.session import close_connections, session
from abusedesk.configuration import Configuration
from abusedesk.problem import Problem

APPLICATION = "abusedesk.web.wsgi:supervised"


def run(arguments: list[str]) -> int:
    """Serve until stopped."""
    argparse.ArgumentParser(
        prog="abusedesk web",
        description="Serve the console and the public pages on ABUSEDESK_HOST and ABUSEDESK_PORT until stopped. "
        "`serve` runs this too.",
    ).parse_args(arguments)
    lifeline.end_with_supervisor()
    refuse_busy_port(configuration.load())
    with session(attach_only=True, decides=True) as settings:
        # The process that answers requests is forked off, and must not share a connection.
        close_connections()
        lifeline.main_process = os.getpid()
        _serve(settings)
    return 0


def _serve(settings: Configuration) -> None:
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    Server(
        APPLICATION,
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=settings.web_threads,
        respawn_failed_workers=True,
        workers_kill_timeout=5,
        websockets=False,
        blocking_threads_idle_timeout=300,
        log_level=LogLevels.error,
    ).serve()


def refuse_busy_port(settings: Configuration) -> None:
    """Raise Problem when the address cannot be listened on."""
    try:
        listen_once(settings.host, settings.port)
    except OSError as error:
        raise Problem(_refusal(settings, error)) from None


def listen_once(host: str, port: int) -> None:
    """Listen and let go. Raises OSError when that cannot be done."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()


def _refusal(settings: Configuration, error: OSError) -> str:
    where = f"{settings.host} port {settings.port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use by another program; stop that one, or set ABUSEDESK_PORT to a free port"
    if error.errno == errno.EACCES:
        return f"{where} may be used by root only; set ABUSEDESK_PORT to 1024 or above and put a web server in front"
    return f"{where} cannot be used ({error.strerror or error}); set ABUSEDESK_HOST to an address of this machine"
