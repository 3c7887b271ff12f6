"""Level 3, model: a tiny model of the family against transformers' own code and the reference."""

from typing import Any

import numpy as np

from seodang.testbed.certify.check import Check
from seodang.testbed.certify.compare import log_softmax, worst_kl
from seodang.testbed.certify.finding import Case, NotJudged, Outcome, holds, outcome, within
from seodang.testbed.certify.subject import Family, Subject, feed, prefill
from seodang.testbed.certify.tiny import YARN

_STEPS = 64
_PROMPT = 16
_LOOK = "compare the outputs of single nodes with those of the reference, layer by layer; then level 2"
# What transformers and a backend may differ in the choice of a token below float32: nearly equal ones.
_MARGIN_nat = {"float32": 0.0, "float16": 0.02, "bfloat16": 0.3}
_VARIANTS: dict[Family, tuple[dict[str, Any], ...]] = {
    "llama": ({}, {"tie_word_embeddings": True}, {"num_key_value_heads": 8}),
    "latent": ({}, {"rope_interleave": False}, {"rope_scaling": dict(YARN)}),
}


def _rows(subject: Subject) -> list[list[int]]:
    return [subject.tokens(count, 10 + count) for count in (1, 5, 12, 31)]


def oracle(subject: Subject) -> Any:
    """The model of the subject in transformers, float32. NOT-RUN where transformers is not installed."""

    def load() -> Any:
        try:
            import torch
            from transformers import AutoModelForCausalLM
            from transformers.utils import logging
        except ImportError as error:
            raise NotJudged("NOT-RUN", f"the oracle is absent: {error}; pip install 'seodang[train]'") from error
        logging.disable_progress_bar()
        opened: Any = AutoModelForCausalLM.from_pretrained(
            subject.model.folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
        )
        loaded, told = opened
        lost = [name for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for name in told[kind]]
        if lost:
            raise RuntimeError(f"transformers did not take the tiny model whole: {lost[:3]}")
        return loaded.eval()

    return subject.once("oracle", load)


def oracle_logits(subject: Subject, row: list[int]) -> np.ndarray:
    """Logits (T, V) at every position of a row."""
    import torch

    with torch.inference_mode():
        return oracle(subject)(torch.tensor([row])).logits[0].double().numpy()


def logits_as_transformers(subject: Subject) -> Outcome:
    """Next-token distributions are those of transformers' own code, for each variant of the tiny model."""
    cases: list[Case] = []
    for changed in _VARIANTS[subject.family]:
        here = subject.variant(**changed) if changed else subject
        name = ", ".join(changed) or "as it is"
        try:
            with here.session() as session:
                found = prefill(session, _rows(here))[1]
        except NotJudged as error:
            if error.status == "UNSUPPORTED" and changed:
                cases.append(Case(name, "UNSUPPORTED", note=str(error)))
                continue
            raise
        truth = np.stack([oracle_logits(here, row)[-1] for row in _rows(here)])
        cases.append(within(name, worst_kl(truth, found), subject.kl_limit, "nat"))
    return outcome(cases, expected="KL(transformers || backend) within the limit", look=_LOOK)


def logits_as_reference(subject: Subject) -> Outcome:
    """Next-token distributions are those of the reference."""
    rows = _rows(subject)
    with subject.session() as session:
        found = prefill(session, rows)[1]
    cases = [
        within(f"{len(row)} tokens", worst_kl(truth[None], logits[None]), subject.kl_limit, "nat")
        for row, truth, logits in zip(rows, subject.truth(rows), found, strict=True)
    ]
    return outcome(cases, expected="KL(reference || backend) within the limit", look=_LOOK)


def greedy_as_transformers(subject: Subject) -> Outcome:
    """Greedy decoding takes the tokens that transformers takes, 64 steps long. Below float32 it is led along transformers' tokens, and may
    differ where two are nearly equally likely."""
    import torch

    prompt = subject.tokens(_PROMPT, 21)
    model = oracle(subject)
    with torch.inference_mode():
        wanted = model.generate(torch.tensor([prompt]), max_new_tokens=_STEPS, min_new_tokens=_STEPS, do_sample=False, eos_token_id=None)
    tokens: list[int] = wanted[0, _PROMPT:].tolist()
    likely = log_softmax(oracle_logits(subject, prompt + tokens)[_PROMPT - 1 : -1])
    best = np.sort(likely, -1)
    margins = best[:, -1] - best[:, -2]
    with subject.session() as session:
        (handle,), logits = prefill(session, [prompt])
        found = [int(logits[0].argmax())]
        for token in tokens[:-1]:
            step = token if subject.dtype != "float32" else found[-1]
            found.append(int(session.decode([feed(handle, [step])]).logits[0].argmax()))
    limit = _MARGIN_nat[subject.dtype]
    wrong = [place for place in range(_STEPS) if found[place] != tokens[place] and margins[place] > limit]
    seen = f"step {wrong[0]}: {found[wrong[0]]}, transformers {tokens[wrong[0]]}" if wrong else f"{len(set(tokens))} different tokens"
    cases = [within(f"other tokens in {_STEPS} steps (margin above {limit} nat)", len(wrong), 0, "1", seen)]
    cases.append(holds("the text is not one token again and again", len(set(tokens)) > 3, f"{len(set(tokens))} different"))
    return outcome(cases, expected="the same tokens", look="decode after prefill: positions, and what joins the cache")


CHECKS = (
    Check(logits_as_transformers, tiny_only=True),
    Check(logits_as_reference),
    Check(greedy_as_transformers, tiny_only=True),
)
