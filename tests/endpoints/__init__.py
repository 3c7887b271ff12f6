"""Servers that tests talk to on the loopback address, and the clock they are tested with."""
