"""`python -m vidrts` is the command `vidrts`."""

from vidrts.cli import main

if __name__ == "__main__":
    main()
