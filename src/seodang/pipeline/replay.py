"""Another policy decides about what was verified, from the ledger alone."""

from collections import Counter
from typing import Any

from seodang.core.errors import VerificationError
from seodang.data.ledger.bounds import refuse_untold_numbers
from seodang.data.ledger.ledger import Ledger
from seodang.data.ledger.policy import DECISIONS, Policy
from seodang.data.ledger.view import Ruled, count, flow, one_verification, people_of, rule_all, write_view
from seodang.pipeline.ledger import Place


def replay(place: Place, policy: Policy) -> dict[str, Any]:
    """Decides again, keeps the new decisions in the ledger's folder, and tells what changes. Nothing that was kept is changed."""
    old: list[Ruled] = []
    new: list[Ruled] = []
    views: list[str] = []
    with Ledger(place.folder) as ledger:
        heard = people_of(ledger, policy)
        for verification in one_verification(ledger, place.verification):
            told = {name: list(ledger.verdicts(name, config).values()) for name, config in verification.checks}
            refuse_untold_numbers(policy.thresholds, told)
            old += rule_all(ledger, verification)
            ruled = rule_all(ledger, verification, policy, heard)
            views.append(str(write_view(place.folder, verification, policy, ruled, heard)))
            new += ruled
    before, after = count(old), count(new)
    if sum(after[decision] for decision in DECISIONS) != before["input"]:
        raise VerificationError(f"decisions do not add up: {after}", hint="this is a fault of seodang; please report it with this line")
    unasked = Counter(row.check for row in new if row.reasons and not row.reasons[0].outcome and row.decision == "failed")
    return {
        "policy": policy.name,
        "policy_digest": policy.digest,
        "before": before,
        "after": after,
        "flow": flow(old, new),
        "unasked": [{"check": check, "num": number} for check, number in unasked.most_common()],
        "views": views,
    }
