"""Backends that are broken on purpose, one fault each. The kit is worth what it catches of them: `seodang certify self-test`.

Most faults are what really broke when accelerators first ran such models. Each names the lowest level that must catch it.
"""
