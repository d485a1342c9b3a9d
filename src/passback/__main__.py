"""``python -m passback``."""

from passback.cli import main

main()
