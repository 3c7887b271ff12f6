"""The environments with tools that ship with seodang."""

from seodang.scoring.tools.library_loans import LibraryLoans
from seodang.scoring.tools.telecom_account import TelecomAccount

ENVIRONMENTS = (TelecomAccount, LibraryLoans)
