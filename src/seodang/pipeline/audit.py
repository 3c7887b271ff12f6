"""The audit of a run: of its ledger, and of the files that it was made of and that were made of it."""

from pathlib import Path
from typing import Any

from seodang.data.ledger.audit import MOST_FAULTS, audit
from seodang.data.ledger.ledger import Ledger
from seodang.data.ledger.view import one_verification
from seodang.pipeline.file_faults import built_faults, outcome_faults
from seodang.pipeline.ledger import find_place


def audit_place(path: Path) -> dict[str, Any]:
    """What `data.ledger.audit` finds in the ledger of a run, or in a ledger's folder. Of a run, the files of its steps `build` (where they
    were not pruned) and `verify` are held against the ledger too, record by record."""
    place = find_place(path)
    with Ledger(place.folder) as ledger:
        found = audit(ledger, place.verification)
        if place.verified is not None and not found["num_faults"]:
            (verification,) = one_verification(ledger, place.verification)
            faults = built_faults(place.built, ledger, verification) if place.built else []
            faults += outcome_faults(place.verified, ledger, verification)
            found = {**found, "num_faults": len(faults), "faults": faults[:MOST_FAULTS]}
    return found
