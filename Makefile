# make setup | check | scripts | test | learn | bench | frames | pins | films | worked | format
PYTHON ?= python3
BIN := .venv/bin

setup:            ## a virtual environment with everything the tests need
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -e ".[test]"

check: lint types test  ## what CI runs

lint:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types:
	$(BIN)/mypy

scripts:          ## the types of the pages' JavaScript; needs npm, and ships nothing of it
	for part in diagrams site twins networks; do npx --yes --package typescript@5.9 tsc --project tests/scripts/$$part.json || exit 1; done

test:
	$(BIN)/python -m pytest

learn:            ## train every recipe to its claims (minutes each)
	$(BIN)/python -m pytest -n 0 -m learn --timeout=3600

bench:            ## speed as ratios against peers; leave the machine alone meanwhile
	$(BIN)/python -m pytest -n 0 -m bench --timeout=3600 -s

frames:           ## compute anew what explorables show first, after a change of what they compute with
	$(BIN)/python -m atlas_cli.pages.shipped

pins:             ## train anew the networks that pages show, where recipe, code or drawing has changed (minutes each)
	$(BIN)/python -m atlas_cli.pages.pinning

films:            ## record anew the trainings that diagrams play, where recipe or code has changed (a minute each)
	$(BIN)/python -m atlas_cli.pages.filming

worked:           ## fill the boxes of the stepped diagrams anew, from your runs of their recipes
	$(BIN)/python -m atlas_cli.worked

format:
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: setup check lint types scripts test learn bench frames pins films worked format
