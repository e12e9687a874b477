# What a newcomer and CI type alike. `scripts/setup` installs what is missing, once.
PY := .venv/bin/python
# Most tests wait for processes; three workers keep two cores busy. A single test is best run by pytest alone.
WORKERS ?= 3

.DEFAULT_GOAL := help
.PHONY: help run test check bench docs gallery clean

help: ## Show these targets
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+): .*## /  make \1\t/'

run: ## Make a first video: own server, bundled photograph, official Python client
	@scripts/setup run
	@$(PY) examples/first_video.py

test: ## Install what the tests need, check the code, run every test
	@scripts/setup dev
	@$(MAKE) --no-print-directory check
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: ## Lint, format and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

docs: ## Write the generated reference pages anew (the gallery: make gallery)
	@$(PY) docs/generate.py

gallery: ## Make the gallery's films and its page anew (a few minutes)
	@scripts/setup dev
	@$(PY) -m docs.gallery.make

bench: ## Run the benchmarks, one after the other
	@scripts/setup bench
	@for file in $$(grep -l __main__ bench/*.py); do echo "== $$file"; $(PY) $$file || exit 1; done

clean: ## Remove everything that can be made again, .venv and node_modules included
	rm -rf .venv .venv-litellm .venv-vendors node_modules out .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
