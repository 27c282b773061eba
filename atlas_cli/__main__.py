"""`python -m atlas_cli`, which torchrun starts."""

from atlas_cli.app import main

if __name__ == "__main__":
    main()
