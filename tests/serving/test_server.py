"""The process: it says how to call it, stops on Ctrl-C, and explains a port that it cannot have."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from seodang.core.errors import InputError
from seodang.models.local import LocalModel
from seodang.serving.section import ServeSection
from seodang.serving.server import address_of, how_to_call, make_server, open_port

PROGRAM = """
import sys
from pathlib import Path
from seodang.models.local import LocalModel
from seodang.serving.section import ServeSection
from seodang.serving.server import run_server
model = LocalModel(Path(sys.argv[1]), name="tiny", dtype="float32", synthetic=True)
run_server({"tiny": model}, ServeSection(port=0, num_threads=1))
"""
SOURCE = Path(__file__).parents[2] / "src"


def test_control_c_ends_the_process_and_the_answers_under_way(tiny_model_dir: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tiny_model_dir)], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr
        said = ""
        while "serving `tiny`" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        address = said[said.index("http://") :].split()[0]
        body = {"model": "tiny", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 900, "n": 60, "stream": True}
        with httpx.stream("POST", f"{address}/v1/chat/completions", json=body, timeout=30) as answer:
            lines = answer.iter_lines()
            next(lines)
            process.send_signal(signal.SIGINT)
            rest = [line for line in lines if line]
        assert '"code": "stopping"' in rest[-1]
        said += process.stderr.read()
        assert process.wait(timeout=30) == 0
    assert "Traceback" not in said


def test_the_start_says_what_to_type(model: LocalModel) -> None:
    text = how_to_call({"tiny": model}, ServeSection(), "http://127.0.0.1:8000")
    assert "`tiny` (synthetic" in text
    assert "curl http://127.0.0.1:8000/v1/chat/completions" in text
    assert 'OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="none")' in text


@pytest.mark.parametrize("name", ["plain", "a \"quoted\" 'name'", "한국어 $(x)"])
def test_what_it_says_works_as_it_stands(name: str, model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The three lines of Python are run, and a shell takes the curl line apart into a request that is right."""
    import shlex
    import threading

    monkeypatch.setenv("SEODANG_TEST_KEY", "canary-5a")
    section = ServeSection(port=0, api_key_env="SEODANG_TEST_KEY", max_new_tokens=2)
    server = make_server({name: model}, section)
    with open_port(section) as listener:
        text = how_to_call({name: model}, section, address_of(listener))
        assert "canary-5a" not in text
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            exec("\n".join(line[2:] for line in text.splitlines() if line.startswith(("  import", "  from", "  client", "  print"))), {})
            words = shlex.split(next(line for line in text.splitlines() if line.startswith("  curl")))
            headers = dict(word.replace("$SEODANG_TEST_KEY", "canary-5a").split(": ") for word in (words[3], words[5]))
            assert httpx.post(words[1], headers=headers, content=words[7].encode()).status_code == 200
        finally:
            server.should_exit = True
            thread.join(timeout=20)


def test_a_port_that_is_taken_is_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InputError, match="address already in use") as caught:
        open_port(ServeSection(port=taken.getsockname()[1]))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("host", "address"), [("127.0.0.1", "http://127.0.0.1:"), ("localhost", "http://"), ("0.0.0.0", "http://127.0.0.1:")]
)
def test_the_address_is_one_that_a_client_can_use(host: str, address: str) -> None:
    with open_port(ServeSection(host=host, port=0)) as listener:
        assert address_of(listener).startswith(address)
