"""The process that serves: it opens the port, says how to call it, and stops cleanly."""

import asyncio
import json
import shlex
import socket
import sys
from collections.abc import Mapping

import uvicorn

from seodang.core.errors import InputError
from seodang.models.local import LocalModel, use_threads
from seodang.serving.api import create_app
from seodang.serving.section import ServeSection

_BACKLOG = 128
_HELLO = [{"role": "user", "content": "Hello"}]
_FINISH_S = 5  # for what is still being sent when the server stops


def open_port(section: ServeSection) -> socket.socket:
    """A listening socket. InputError where the address is not this machine's, or the port is taken or not allowed."""
    host = section.host.strip("[]")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, section.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "name another port, or 0 for a free one; `127.0.0.1` is always an address of this machine"
        raise InputError(f"cannot listen there ({reason.lower()})", where=f"{host}:{section.port}", hint=hint) from error


def address_of(listener: socket.socket) -> str:
    """The base address for clients on this machine, such as `http://127.0.0.1:8000`."""
    host, port = listener.getsockname()[:2]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}"


def how_to_call(models: Mapping[str, LocalModel], section: ServeSection, address: str) -> str:
    """What a person needs to use the server: address, models, a curl line and three lines of Python. The key is named, never shown."""
    first = next(iter(models))
    body = json.dumps({"model": first, "messages": _HELLO}, ensure_ascii=False)
    arguments = f"model={json.dumps(first, ensure_ascii=False)}, messages={json.dumps(_HELLO)}"
    shell_key, python_key = _key_in_calls(section)
    header = f' -H "Authorization: Bearer {shell_key}"' if shell_key else ""
    names = ", ".join(f"`{name}`" + (" (synthetic: random weights or a fake)" if model.synthetic else "") for name, model in models.items())
    imports = "import os; from openai import OpenAI" if "os." in python_key else "from openai import OpenAI"
    return "\n".join(
        [
            f"serving {names} at {address} (a chat page for your browser; Ctrl-C stops it)",
            "",
            f"  curl {address}/v1/chat/completions -H 'Content-Type: application/json'{header} -d {shlex.quote(body)}",
            "",
            f"  {imports}",
            f'  client = OpenAI(base_url="{address}/v1", api_key={python_key})',
            f"  print(client.chat.completions.create({arguments}).choices[0].message.content)",
            "",
        ]
    )


def _key_in_calls(section: ServeSection) -> tuple[str, str]:
    """How the key is written in a shell and in Python."""
    if section.api_key_env is not None:
        return f"${section.api_key_env}", f'os.environ["{section.api_key_env}"]'
    if section.api_key_file is not None:
        return f"$(cat {shlex.quote(str(section.api_key_file))})", f"open({str(section.api_key_file)!r}).read().strip()"
    return "", '"none"'


class _Server(uvicorn.Server):
    """Ends the answers under way before it waits for their connections, so that it stops within a step of the model."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.to_thread(self.config.app.state.scheduler.close)  # type: ignore[union-attr]
        await super().shutdown(sockets)


def make_server(models: Mapping[str, LocalModel], section: ServeSection) -> uvicorn.Server:
    """A server that is not running yet. InputError where the key is not there."""
    config = uvicorn.Config(
        create_app(models, section),
        http="h11",
        ws="none",
        loop="asyncio",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_FINISH_S,
        limit_concurrency=4 * (section.max_concurrency + section.queue_size) + 64,
    )
    return _Server(config)


def run_server(models: Mapping[str, LocalModel], section: ServeSection) -> None:
    """Serves until Ctrl-C or a termination signal. InputError where the port or the key cannot be had."""
    server = make_server(models, section)
    use_threads(section.num_threads)
    with open_port(section) as listener:
        print(how_to_call(models, section, address_of(listener)), file=sys.stderr, flush=True)
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:  # uvicorn has stopped already and only passes it on
            print("stopped", file=sys.stderr)
