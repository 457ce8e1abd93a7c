"""`python -m eventlite` is `eventlite`."""

from eventlite.cli import main

main()
