"""Level 0, contract: sessions, handles and typed errors."""

from seodang.testbed.certify.check import Check

CHECKS: tuple[Check, ...] = ()
