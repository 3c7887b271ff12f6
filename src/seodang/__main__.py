"""`python -m seodang`."""

from seodang.cli.main import main

main()
