"""What a run will cost, before it is begun: counts of the documents times rates that were measured."""

import math
from collections.abc import Sequence
from typing import Any

from seodang.data.actions import find_actions
from seodang.data.build.prompt_text import load_prompts
from seodang.data.documents import Document
from seodang.data.passages import split_passages
from seodang.distill.section import TargetsSection
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.pipeline.recipe import Recipe

# Tokens per second of SmolLM2-135M (LoRA for training) on the machine that MEASURED_ON names.
DECODED_PER_S = 350
READ_PER_S = 1200
TRAINED_PER_S = 450
MEASURED_ON = "SmolLM2-135M-Instruct on 2 cores of an AMD EPYC with AVX-512 BF16"
# Counted with SmolLM2's tokenizer: two English manuals of 23,243 characters, and the Korean prompts of this package.
CHARACTERS_PER_TOKEN = {"en": 4.0, "ko": 0.5}
# A written question of the same two manuals; and of one of them, the share of questions and of customers' messages that is kept.
CHARACTERS_PER_QUESTION = {"en": 40, "ko": 20}
KEPT_QUESTIONS, KEPT_MESSAGES = 0.40, 0.62
TOKENS_PER_ANSWER = 25
TOKENS_PER_CALL = 8  # a tool call after the sentence that says what it does
TEMPLATE_TOKENS = 10  # the marks of a conversation's turns; the system turn is shared
NUM_PARAMETERS = 134.5e6
NUM_EXAM_ITEMS, NUM_GENERAL_ITEMS = 120, 200  # asked where the recipe sets no limit
_BATCH = 128  # prompts that share one reading of the worked examples on this machine
_WHEEL_BYTES = 93e6
_TRAINED = ("sft", "distilled")


def estimate_cost(recipe: Recipe, documents: Sequence[Document], *, num_items: int = NUM_EXAM_ITEMS) -> dict[str, Any]:
    """Counts, tokens, minutes and bytes of a run from nothing to its report; every number but the first three is a guess.

    `num_items` is the size of the exam. A remote teacher reads its worked examples with every prompt, and its time is not
    counted in `minutes`.
    """
    taught = [document for document in documents if document.taught]
    passages = [p for d in taught for p in split_passages(d.name, d.text, language=d.language, license=d.license)]
    actions = find_actions(passages)
    build, verify, evaluate = recipe.build, recipe.verify, recipe.evaluate
    texts = load_prompts(build.prompts)
    language = build.prompts
    remote = isinstance(recipe.teacher, OpenAIHTTPTeacher)

    def tokens(characters: float) -> float:
        return characters / CHARACTERS_PER_TOKEN.get(language, CHARACTERS_PER_TOKEN["en"])

    def examples(text: dict[str, Any], num_prompts: float) -> float:
        return tokens(len(text["preamble"])) * (num_prompts if remote else math.ceil(num_prompts / _BATCH))

    question = tokens(CHARACTERS_PER_QUESTION.get(language, CHARACTERS_PER_QUESTION["en"]))
    view = tokens(sum(len(p.view) for p in passages) / max(1, len(passages)))
    statement = tokens(sum(len(p.statement) for p in passages) / max(1, len(passages)))
    questions = len(passages) * min(build.question_openers, len(texts["question"]["openers"])) * build.question_samples
    messages = len(actions) * build.utterances_per_action + sum(len(action.rules) for action in actions) * build.messages_per_rule
    others = build.general_questions
    sources = len(passages) + len(actions)
    # Search-like messages are made without the teacher, and nearly all of them are kept.
    kept_questions = min(KEPT_QUESTIONS * questions, len(passages) * verify.max_per_passage) + len(passages) * build.keywords_per_passage
    kept_messages = min(KEPT_MESSAGES * messages, len(actions) * verify.max_per_action) + len(actions) * build.keywords_per_action
    kept = kept_questions + kept_messages + others

    answers = questions * build.answer_samples
    written = (questions + messages + others) * question + (answers + others) * TOKENS_PER_ANSWER
    read = (questions + messages) * view + examples(texts["question"], questions) + examples(texts["utterance"]["changing"], messages)
    read += answers * (view + question) + examples(texts["answer"], answers) + examples(texts["general"], others)
    # points_back reads every record after its own source and after each rival, and some records after every source; targets read
    # the accepted ones with their passage.
    read += (questions + messages) * (1 + verify.rivals) * question + sources * (view + verify.calibration * question)
    read += kept * (TEMPLATE_TOKENS + view + question + statement)

    one_pass = kept * (TEMPLATE_TOKENS + question + statement) + kept_messages * TOKENS_PER_CALL
    arms = [arm for arm in evaluate.arms if arm in _TRAINED]
    trained = one_pass * recipe.distill.epochs * len(arms) * len(evaluate.seeds)
    general = (evaluate.max_general or NUM_GENERAL_ITEMS) if evaluate.general else 0
    items = min(num_items, evaluate.max_items or num_items)
    asked = items * len(evaluate.arms) + general * sum(arm != "teacher_open" for arm in evaluate.arms)
    asked += (len(evaluate.seeds) - 1) * len(arms) * (items + general)
    seconds = trained / TRAINED_PER_S + asked * (TOKENS_PER_ANSWER / DECODED_PER_S + 2 * question / READ_PER_S)
    seconds += 0 if remote else written / DECODED_PER_S + read / READ_PER_S

    # Converted weights in float32, a float16 checkpoint of each trained arm, and the exported formats (F16, Q8_0).
    weights = NUM_PARAMETERS * (4 + 2 * len(arms) * len(evaluate.seeds) + (3 if "distilled" in arms else 0))
    targets = (kept * statement + kept_messages * TOKENS_PER_CALL) * _target_bytes(recipe.targets)
    return {
        "documents": len(documents),
        "passages": len(passages),
        "actions": len(actions),
        "teacher_questions": round(questions + messages + others),
        "teacher_tokens_in": round(read),
        "teacher_tokens_out": round(written),
        "training_tokens": round(trained),
        "minutes": round(seconds / 60, 1),
        "disk_bytes": round(_WHEEL_BYTES + weights + targets),
        "remote_teacher": remote,
        "measured_on": MEASURED_ON,
    }


def _target_bytes(section: TargetsSection) -> float:
    """Bytes that a token's target takes, with SmolLM2's 49,152 tokens and 576 hidden states."""
    price = 101 * (1e-3 / section.nats_per_byte) ** 0.52  # of `nucleus`: 101 at 1e-3 and 233 at 2e-4, on its own samples
    by_codec = {
        "nucleus": price,
        "top_k": 6.0 * section.top_k,
        "sampled": 2.5 * min(section.draws, 40),
        "head_and_sampled": 40 + 2.5 * min(section.draws, 40),
        "hidden": 1152.0 if section.precision == "bfloat16" else 2304.0,
        "full": 4 * 49_152.0,
        "likelihoods": 8.0,
    }
    return by_codec[section.codec]


def cost_lines(cost: dict[str, Any]) -> list[str]:
    """A cost for people, one thing a line."""
    teacher = "remote teacher" if cost["remote_teacher"] else "teacher"
    where = ", without the remote teacher's time" if cost["remote_teacher"] else ""
    return [
        f"the {teacher} writes about {cost['teacher_questions']:,} questions and customers' messages"
        f" (reads {cost['teacher_tokens_in']:,} tokens, writes {cost['teacher_tokens_out']:,})",
        f"training reads about {cost['training_tokens']:,} tokens, over all trained students",
        f"time: about {cost['minutes']:,.0f} minutes{where}; disk: about {cost['disk_bytes'] / 1e9:.1f} GB",
        f"guessed from counts of your documents and from rates of {cost['measured_on']}",
    ]
