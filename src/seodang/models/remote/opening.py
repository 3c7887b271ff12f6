"""Opens an endpoint: preflight first, then the chat model with the capabilities that were proved."""

import difflib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from seodang.core.errors import EndpointError
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.remote.capabilities import Preflight, Refusal
from seodang.models.remote.client import EndpointClient
from seodang.models.remote.clock import Clock
from seodang.models.remote.failures import reworded
from seodang.models.remote.model import RemoteCompletionModel, RemoteModel, RemoteScoringModel
from seodang.models.remote.preflight import preflight
from seodang.models.remote.scoring import ChatTokenizer, tokenizer_difference
from seodang.models.think import ThinkMode


def run_preflight(section: OpenAIHTTPTeacher, clock: Clock | None = None) -> Preflight:
    """What the endpoint of a section can do and what it refuses. It does not raise for an endpoint that is bad or absent."""
    client = EndpointClient(section, clock)
    try:
        return preflight(client)[0]
    finally:
        client.close()


def open_remote(
    section: OpenAIHTTPTeacher,
    tokenizer: ChatTokenizer | None = None,
    *,
    clock: Clock | None = None,
    kept: Path | None = None,
    reword: Callable[[str], str] | None = None,
) -> RemoteModel:
    """The chat model of a section, after a preflight with fixed words of our own (nothing of the user's is sent).

    It offers `Completes` where the preflight proved that token ids are taken as a prompt, and `Scores` where it also proved the
    log-probabilities of given tokens and `tokenizer` gives the ids that the server gives. What is not offered stands with its reason
    in `model.preflight.refusals`. EndpointError where the endpoint cannot be used at all. What it writes after the preflight is kept
    in the folder `kept`, if there is one. `reword` changes what errors say of `teacher.url` and the like, now and later.
    """
    with reworded(reword):
        client = EndpointClient(section, clock, reword)
    try:
        with reworded(reword):
            model = _open(client, tokenizer)
        if kept is not None:
            client.keep_in(kept)
        return model
    except BaseException:
        client.close()
        raise


def _open(client: EndpointClient, tokenizer: ChatTokenizer | None) -> RemoteModel:
    found, error = preflight(client)
    if not found.chat:
        raise _explained(client.section, found, error)
    if client.section.thinking is not ThinkMode.NONE and found.thinking_switch == "refused":
        words = found.refusal_of("chat_template_kwargs.enable_thinking")
        raise EndpointError(
            f"it refuses chat_template_kwargs.enable_thinking: {words}", where=found.place, hint="leave `teacher.thinking` out"
        )
    if not found.token_id_prompts:
        return RemoteModel(client, found)
    if tokenizer is None or found.scoring is None:
        return RemoteCompletionModel(client, found)
    difference = tokenizer_difference(client, found, tokenizer)
    if difference:
        refusal = Refusal("scores with the local tokenizer", f"it was not shown to be the one of this endpoint's model: {difference}")
        return RemoteCompletionModel(client, replace(found, refusals=(*found.refusals, refusal)))
    return RemoteScoringModel(client, found, found.scoring, tokenizer)


def _explained(section: OpenAIHTTPTeacher, found: Preflight, error: EndpointError | None) -> EndpointError:
    """The error of an endpoint that does not chat; where it lists other models, that is the reason."""
    if found.model_listed is False:
        listed = found.refusal_of(f"the model `{section.model}`")
        names = listed.split("`")[1::2]
        near = difflib.get_close_matches(section.model, names, n=1)
        hint = f"did you mean `{near[0]}`?" if near else "correct `teacher.model`"
        return EndpointError(f"it does not serve `{section.model}`: {listed}", where=found.place, hint=hint)
    return error or EndpointError("it does not answer a chat", where=found.place, hint="see what the preflight says")
