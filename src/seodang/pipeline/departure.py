"""Before anything leaves this machine: what, and to whom."""

from seodang.data.documents import load_documents
from seodang.models.openai_http import OpenAIHTTPTeacher, departure_notice
from seodang.pipeline.context import RunContext
from seodang.pipeline.plan import say


def announce_departure(context: RunContext, section: OpenAIHTTPTeacher) -> None:
    """Prints what is about to be sent to a remote teacher, and to which host."""
    documents = load_documents(context.recipe.documents, context.workspace.store, context.base)
    say(departure_notice(section, len(documents), sum(len(document.text) for document in documents)))
