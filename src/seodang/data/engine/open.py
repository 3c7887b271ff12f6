"""An executor by its name in the recipe."""

from seodang.core.errors import RecipeError
from seodang.data.engine.executor import Executor
from seodang.data.engine.local import InProcess, LocalProcesses
from seodang.data.engine.on_ray import OnRay

EXECUTORS = ("local", "ray")


def open_executor(name: str = "local", workers: int = 1, *, ray_address: str = "", timeout_s: float | None = None) -> Executor:
    """`local`: this process for one worker without a limit of time, else processes of this machine. `ray`: Ray, at an address or here.

    RecipeError for another name.
    """
    if name == "ray":
        return OnRay(workers, address=ray_address, timeout_s=timeout_s)
    if name != "local":
        raise RecipeError(f"no executor `{name}`", hint=f"there are: {', '.join(EXECUTORS)}")
    return InProcess() if workers == 1 and timeout_s is None else LocalProcesses(workers, timeout_s=timeout_s)
