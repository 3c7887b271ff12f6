"""The audit of a run: of its ledger, and of the files that were made of it."""

from pathlib import Path
from typing import Any

from seodang.data.ledger.audit import audit
from seodang.data.ledger.ledger import Ledger
from seodang.data.ledger.view import one_verification, rule_all
from seodang.pipeline.ledger import find_place, outcome_faults


def audit_place(path: Path) -> dict[str, Any]:
    """What `data.ledger.audit` finds in the ledger of a run, or in a ledger's folder. Of a run, the files of its step `verify` are held
    against the ledger too."""
    place = find_place(path)
    with Ledger(place.folder) as ledger:
        found = audit(ledger, place.verification)
        if place.verified is not None and not found["num_faults"]:
            (verification,) = one_verification(ledger, place.verification)
            faults = outcome_faults(place, rule_all(ledger, verification))
            found = {**found, "num_faults": len(faults), "faults": faults}
    return found
