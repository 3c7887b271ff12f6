"""A check: a function of a subject that gives an outcome, and for which models it is. Its docstring says what it proves."""

from collections.abc import Callable
from dataclasses import dataclass

from seodang.testbed.certify.finding import Outcome
from seodang.testbed.certify.subject import Family, Subject

BOTH: tuple[Family, ...] = ("llama", "latent")
LATENT: tuple[Family, ...] = ("latent",)


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a level. `families` are those that it has something to say of; `tiny_only` where it needs a model of a known shape."""

    function: Callable[[Subject], Outcome]
    families: tuple[Family, ...] = BOTH
    tiny_only: bool = False

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def proves(self) -> str:
        """The first sentence of its docstring."""
        return " ".join((self.function.__doc__ or "").split()).partition(". ")[0].rstrip(".")
