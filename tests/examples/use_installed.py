"""Run in a process of its own by test_numpy_backend.py: uses the installed example as a user would, and prints what it saw as JSON.

Arguments: a Hugging Face folder, the prompt's token ids as JSON, how many tokens to take, and the Python block of the documentation.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from seodang.backends.build_graph import build_graph, read_config
from seodang.backends.contract import Backend, Feed, Limits, Unsupported
from seodang.backends.registry import installed, open_backend
from seodang.backends.weights import FolderWeights
from seodang.testbed.certify.run import certify
from seodang.testbed.certify.tiny import make_graph

NAME = "numpy_example"


def greedy(backend: Backend, folder: Path, prompt: list[int], num_tokens: int) -> list[int]:
    """The tokens of largest logit, one after another."""
    weights = FolderWeights(folder)
    graph = build_graph(read_config(folder), list(weights))
    session, _ = backend.load(backend.compile(graph, Limits(), Path()), weights)
    sequence = session.kv.allocate()
    logits_BV = session.prefill([Feed(sequence, np.array(prompt))]).logits
    tokens = [int(logits_BV[0].argmax())]
    while len(tokens) < num_tokens:
        logits_BV = session.decode([Feed(sequence, np.array(tokens[-1:]))]).logits
        tokens.append(int(logits_BV[0].argmax()))
    session.close()
    return tokens


def refusal(backend: Backend) -> dict[str, Any]:
    """What is said of a model with latent attention and experts."""
    graph = make_graph("latent")[1]
    said = {verdict.node: verdict for verdict in backend.supports(graph)}
    refused = {node.op for node in graph.nodes if said[node.name].verdict == "unsupported"}
    told = ""
    try:
        backend.compile(graph, Limits(), Path())
    except Unsupported as error:
        told = str(error)
    return {"refused": sorted(refused), "reasons": [said[node.name].reason for node in graph.nodes], "told": told}


def main() -> None:
    folder, prompt, num_tokens, documented = Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    (found,) = (found for found in installed() if found.name == NAME)
    backend = open_backend(NAME)
    shown: dict[str, Any] = {"MyBackend": type(backend)}
    exec(compile(documented.replace("a Hugging Face folder", str(folder)), "docs/backends.md", "exec"), shown)
    certificate = certify(NAME, levels=(0, 1, 2, 3), families=("llama",), shapes="small")
    seen = {
        "file": sys.modules[type(backend).__module__].__file__,
        "origin": found.origin,
        "devices": found.probe.devices,
        "statuses": [(finding.level, finding.check, finding.status, finding.what) for finding in certificate.findings],
        "tokens": greedy(backend, folder, prompt, num_tokens),
        "documented": list(shown["logits"].shape),
        "latent": refusal(backend),
    }
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
