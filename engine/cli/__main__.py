"""`python -m comptoir.engine.cli` does what the command `comptoir` does."""

from comptoir.engine.cli import main

if __name__ == "__main__":
    main()
