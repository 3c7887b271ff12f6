"""Before anything leaves this machine: what, and to whom."""

from seodang.data.documents import load_documents
from seodang.evaluation.exam import load_exam
from seodang.models.openai_http import OpenAIHTTPTeacher, departure_notice
from seodang.pipeline.context import RunContext
from seodang.pipeline.plan import say


def announce_departure(context: RunContext, section: OpenAIHTTPTeacher) -> None:
    """Prints what is about to be sent to a remote teacher, and to which host."""
    found = load_documents(context.recipe.documents, context.workspace.store, context.base)
    documents = [document for document in found if document.taught]
    evaluate = context.recipe.evaluate
    files = [*evaluate.exam, *evaluate.general] if any(arm.startswith("teacher") for arm in evaluate.arms) else []
    num_questions = sum(len(load_exam([path])) for path in context.resolve(tuple(files)))
    say(departure_notice(section, len(documents), sum(len(document.text) for document in documents), num_questions))
