"""A batch of requests put to a model: what it said is kept in a journal, and what it refuses becomes an error of that item alone."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from seodang.core.errors import BudgetError, EndpointError, InputError, ModelError
from seodang.core.files import Journal
from seodang.core.hashing import digest
from seodang.evaluation.ranking import rank
from seodang.evaluation.task import Ask, Likelihood, Rank, Reply, Request
from seodang.models.chat_model import ChatModel, Completion, Sampling
from seodang.models.remote.failures import EndpointRefusalError

Answered = Reply | ModelError  # ModelError: this request failed, alone


class Asker:
    """Puts batches to one model, with the sampling of one sample. What a journal holds is not asked again."""

    def __init__(self, model: ChatModel, journal: Journal, temperature: float, top_p: float, max_reasoning_tokens: int) -> None:
        self._model, self._journal = model, journal
        self._temperature, self._top_p, self._room = temperature, top_p, max_reasoning_tokens

    def ask(self, requests: Sequence[Request], seed: int) -> list[Answered]:
        """A reply to each request, in order. EndpointError and BudgetError pass: they end a run, which goes on later."""
        unit = digest([[_told(request) for request in requests], seed])
        if unit not in self._journal:
            self._journal.append(unit, [_kept(answer) for answer in self._ask_all(requests, seed)])
        return [_read(row) for row in self._journal[unit]]

    def _ask_all(self, requests: Sequence[Request], seed: int) -> list[Answered]:
        answers: list[Answered | None] = [None] * len(requests)
        for places, ask in self._alike(requests, seed):
            for place, answer in zip(places, _each(ask, [requests[place] for place in places]), strict=True):
                answers[place] = answer
        return [answer for answer in answers if answer is not None]

    def _alike(self, requests: Sequence[Request], seed: int) -> list[tuple[list[int], Callable[[Sequence[Any]], list[Any]]]]:
        """The places of requests that can be asked together, and how."""
        groups: dict[tuple[int, tuple[str, ...]] | None, list[int]] = {}
        for place, request in enumerate(requests):
            groups.setdefault((request.max_new_tokens, request.stop) if isinstance(request, Ask) else None, []).append(place)
        return [(places, self._ranker() if form is None else self._writer(form[0], form[1], seed)) for form, places in groups.items()]

    def _ranker(self) -> Callable[[Sequence[Rank]], list[Any]]:
        return lambda requests: rank(self._model, requests)

    def _writer(self, max_new_tokens: int, stop: tuple[str, ...], seed: int) -> Callable[[Sequence[Ask]], list[Any]]:
        sampling = Sampling(max_new_tokens + self._room, self._temperature, self._top_p, seed, stop)

        def write(requests: Sequence[Ask]) -> list[Completion]:
            samples = self._model.chat([request.messages for request in requests], sampling)
            if len(samples) != len(requests) or any(len(completions) != 1 for completions in samples):
                raise InputError(f"the model `{self._model.name}` did not give one answer to each of {len(requests)} conversations")
            return [completion for (completion,) in samples]

        return write


def _each(ask: Callable[[Sequence[Any]], list[Any]], requests: Sequence[Any]) -> list[Answered]:
    """All at once; where that fails for a reason that may be one request's own, one by one."""
    try:
        return ask(requests)
    except (ModelError, EndpointRefusalError) as error:
        if not _of_one(error):
            raise
        if len(requests) == 1:
            return [ModelError(error.what, where=error.where, hint=error.hint)]
    return [answer for request in requests for answer in _each(ask, [request])]


def _of_one(error: BudgetError | EndpointError | ModelError) -> bool:
    return error.of_this_request if isinstance(error, EndpointRefusalError) else isinstance(error, ModelError)


def _told(request: Request) -> Any:
    return [type(request).__name__, asdict(request)]


def _kept(answer: Answered) -> Any:
    if isinstance(answer, ModelError):
        return {"error": str(answer)}
    if isinstance(answer, Completion):
        return {
            "text": answer.text,
            "finish_reason": answer.finish_reason,
            "num_prompt_tokens": answer.num_prompt_tokens,
            "num_new_tokens": answer.num_new_tokens,
            "reasoning": answer.reasoning,
            "num_reasoning_tokens": answer.num_reasoning_tokens,
        }
    return [asdict(one) for one in answer]


def _read(row: Any) -> Answered:
    if isinstance(row, list):
        return tuple(Likelihood(**one) for one in row)
    return ModelError(row["error"]) if "error" in row else Completion(**row)
