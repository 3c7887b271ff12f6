"""`seodang init`: a recipe and an exam for a folder of documents."""

import sys
from collections import Counter
from pathlib import Path

import click

_MOST_LINES = 40  # of documents and of evidence that are listed


@click.command("init", short_help="Draft a recipe and an exam for a FOLDER of documents.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="The recipe to write.  [default: recipes/FOLDER.yaml]")
@click.option("--teacher", help="A model's folder, or an OpenAI-compatible server's address.  [default: the bundled small one]")
@click.option("--model", default=None, help="The model's name on that server.")
@click.option("--license", metavar="SPDX", help="Licence of the documents: an SPDX id, or LicenseRef-own for your own. A run needs it.")
@click.option("--teacher-license", metavar="SPDX", help="Licence of the model given with --teacher. A run needs it.")
@click.option("--hold-out", multiple=True, metavar="PATTERN", help="Documents to ask about but not to teach; may be repeated.")
@click.option("--items", type=click.IntRange(min=1), default=40, show_default=True, help="Exam items to draft about the taught documents.")
@click.option("--dry-run", is_flag=True, help="Say what was found and what a run would cost; write nothing.")
@click.option("--force", is_flag=True, help="Replace a recipe and an exam that exist; approved items are kept.")
def command(
    folder: Path,
    output: Path | None,
    teacher: str | None,
    model: str | None,
    license: str | None,
    teacher_license: str | None,
    hold_out: tuple[str, ...],
    items: int,
    dry_run: bool,
    force: bool,
) -> None:
    """Look at FOLDER, and write a recipe and the draft of an exam for it. It may hold text, Markdown, HTML, PDF, Word (.docx), JSON lines,
    Parquet, and Hugging Face data sets that were saved to disk; Korean in any encoding.

    The facts are taught and asked; an exam item's wording is never shown to the teacher. Nothing is downloaded or sent.
    """
    from seodang.pipeline.context import RunContext
    from seodang.pipeline.draft import draft, recipe_name, warnings, write_draft
    from seodang.pipeline.estimate.estimate import estimate
    from seodang.pipeline.estimate.lines import cost_lines
    from seodang.pipeline.licenses import unknown_licenses
    from seodang.pipeline.survey import evidence_by_words, skipped_by_reason, survey_folder
    from seodang.pipeline.workspace import Workspace

    licensed = _license(license, "--license"), _license(teacher_license, "--teacher-license")
    survey = survey_folder(folder, hold_out)
    path = output or Path("recipes") / f"{recipe_name(folder.resolve().name)}.yaml"
    if license is None and not dry_run and sys.stdin.isatty():
        licensed = _ask_license(folder), licensed[1]
    drafted = draft(
        survey,
        path,
        teacher=teacher,
        model=model,
        held_out=hold_out,
        num_items=items,
        license=licensed[0],
        teacher_license=licensed[1],
    )
    num_characters = sum(len(document.text) for document in survey.documents)
    click.echo(f"{folder}: {len(survey.documents)} document{'s' * (len(survey.documents) > 1)}, {num_characters:,} characters")
    counts = Counter(passage.document for passage in [*survey.passages, *survey.held_out])
    for document in survey.documents[:_MOST_LINES]:
        told = "" if document.taught else ", held out"
        click.echo(f"  {document.name}: {len(document.text):,} characters, {counts[document.name]} passages, {document.language}{told}")
    if len(survey.documents) > _MOST_LINES:
        click.echo(f"  and {len(survey.documents) - _MOST_LINES:,} more")
    for reason, places in skipped_by_reason(survey.skipped).items():
        click.echo(f"  passed over: {len(places)}, {reason} ({', '.join(places[:3])}{', ...' * (len(places) > 3)})")
    for says, places in list(evidence_by_words(survey.evidence).items())[:_MOST_LINES]:
        more = f" and {len(places) - 1:,} more" * (len(places) > 1)
        click.echo(f"  licence evidence: {places[0]}{more}: {says!r}; it is not taken over: say it in the recipe if it holds")
    if survey.unread:
        click.echo(f"  not read: {', '.join(f'{count} {ending}' for ending, count in survey.unread.items())}")
    names = ", ".join(action.name for action in survey.actions[:8]) + ", ..." * (len(survey.actions) > 8)
    click.echo(f"actions: {len(survey.actions)} ({names})" if survey.actions else "actions: none (names such as `reset_password`)")
    for warning in warnings(drafted, survey):
        click.echo(f"warning: {warning}", err=True)
    if not dry_run:
        kept = write_draft(drafted, force=force)
        click.echo(f"wrote {drafted.output}")
        told = f", beside {kept} approved ones that stay" if kept else ""
        click.echo(
            f"wrote {drafted.exam_path}: {len(drafted.exam)} items, not approved yet{told}: read them, mend them, set `approved` to true"
        )
    click.echo(f"a run of {drafted.output} would cost:" if dry_run else "the run will cost:")
    context = RunContext(drafted.recipe, drafted.output.resolve().parent, Workspace())
    for line in cost_lines(estimate(context, survey.documents, exam_items=len(drafted.exam))):
        click.echo(f"  {line}")
    for place in unknown_licenses(drafted.recipe):
        click.echo(f"not known yet: `{place}`; `seodang run` refuses the recipe until it says an SPDX id, or LicenseRef-own for your own")
    if not dry_run:
        click.echo(f"next: seodang run {drafted.output}")


def _license(text: str | None, option: str) -> str:
    """The licence given with an option, in SPDX's spelling; InputError where it is none."""
    from pydantic_core import PydanticCustomError

    from seodang.core.errors import InputError
    from seodang.core.licenses import UNKNOWN, check_license

    try:
        return UNKNOWN if text is None else check_license(text)
    except PydanticCustomError as error:
        raise InputError(error.message(), where=option, hint=(error.context or {}).get("hint")) from error


def _ask_license(folder: Path) -> str:
    """The documents' licence, asked until the answer is one or is left out."""
    from seodang.core.errors import InputError
    from seodang.core.licenses import UNKNOWN

    question = f"licence of the documents in {folder} (an SPDX id, LicenseRef-own for your own, or nothing to fill it in later)"
    while True:
        try:
            return _license(click.prompt(question, default=UNKNOWN, err=True), "licence")
        except InputError as error:
            click.echo(error.render(), err=True)
