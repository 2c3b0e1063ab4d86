"""`python -m measure_cli`: the same as the console script `measure`."""

from measure_cli.cli import main

if __name__ == "__main__":
    main()
