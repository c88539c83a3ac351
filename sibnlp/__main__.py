"""``python -m sibnlp``: the command line, where the script is not on the path."""

from sibnlp.cli import main

if __name__ == "__main__":
    main()
