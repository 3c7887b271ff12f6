"""Every error a user can meet: what happened, where, the next step, and an exit code."""


def one_line(text: str) -> str:
    """The text without line breaks and control characters, which a file's name or a server's answer may hold."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


class SeodangError(Exception):
    """An error that is told to the user in one line, with a hint, and no traceback.

    `where` names the file, key, line or endpoint; `hint` is the next step.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what

    def render(self) -> str:
        """The text printed on stderr: `error: where: what`, then `hint: next step`."""
        hint = self.hint or "`seodang --help` and `seodang explain` say what can be asked for"
        return f"error: {one_line(str(self))}\nhint: {one_line(hint)}"


class RecipeError(SeodangError):
    """A recipe that cannot be read or does not make sense."""

    exit_code = 2


class InputError(SeodangError):
    """A document, exam, prompt file or other input that cannot be used."""

    exit_code = 3


class ModelError(SeodangError):
    """A model that is missing, refused or cannot do what is asked of it."""

    exit_code = 4


class EndpointError(SeodangError):
    """A remote teacher that cannot be reached, refuses, or stopped answering."""

    exit_code = 5


class BudgetError(SeodangError):
    """A budget in tokens that is spent; finished work is kept."""

    exit_code = 6


class StorageError(SeodangError):
    """A disk that is full, or a folder that cannot be read or written."""

    exit_code = 7


class VerificationError(SeodangError):
    """A promise of our own that does not hold, such as records that do not add up."""

    exit_code = 8


class GuardError(SeodangError):
    """A student that did not pass a guard which its recipe requires. The report is written and nothing is exported."""

    exit_code = 9


class InconclusiveError(SeodangError):
    """A gate that neither passed nor failed: what was declared could not be decided with these items."""

    exit_code = 13
