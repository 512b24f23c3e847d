"""`python -m awaitstep` is `awaitstep`."""

from awaitstep.cli import main

if __name__ == "__main__":
    main()
