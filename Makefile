# `make fashion` and `make test` need Python 3.11 to 3.13, make and a package index; everything else they set up.

PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python -m

.PHONY: help fashion test test-long docs chaos chaos-ci mutants bench reports lint lock clean

help:
	@echo 'make fashion    tune networks on Fashion-MNIST, in ten minutes'
	@echo 'make test       the tests: six minutes on two cores'
	@echo 'make test-long  the tests that take longer, and many random examples for those of properties'
	@echo 'make docs       the documentation as a site, in build/docs; a broken link is an error'
	@echo 'make chaos      searches killed, interrupted, locked out and damaged at random, then leaders and workers: two hours; it can be interrupted'
	@echo 'make chaos-ci   twenty of its rounds: two minutes'
	@echo 'make mutants    small mistakes made on purpose in the lines that carry promises, and whether tests notice: about an hour'
	@echo 'make bench      measure this tuner beside Optuna with fit and KerasTuner, about forty minutes'
	@echo 'make reports    the shipped studies, the documents, and reports on them, about half an hour (hours without the kept results)'
	@echo 'make lint       formatting, lint rules, types'
	@echo 'make lock       pin the newest allowed versions in requirements.lock'
	@echo 'make clean      remove the virtual environment and caches (never runs/)'

fashion: $(VENV)/installed
	$(RUN) tuner optimize --study fashion

test: $(VENV)/installed-dev
	$(RUN) pytest -n auto --dist worksteal

test-long: $(VENV)/installed-dev
	$(RUN) pytest -m 'long or hypothesis' --hypothesis-profile explore

docs: $(VENV)/installed
	$(RUN) pip install --quiet --disable-pip-version-check -r requirements-docs.lock
	PYTHONPATH=. $(RUN) sphinx --quiet --fail-on-warning --keep-going docs build/docs

chaos: $(VENV)/installed-dev
	$(VENV)/bin/python benchmarks/chaos.py
	$(VENV)/bin/python benchmarks/chaos.py --machines

chaos-ci: $(VENV)/installed-dev
	rm -f build/chaos.jsonl
	mkdir -p build
	$(VENV)/bin/python benchmarks/chaos.py --rounds 20 --calls 2 --out build/chaos.jsonl

mutants: $(VENV)/installed-dev
	$(RUN) pip install --quiet --disable-pip-version-check -r requirements-mutants.lock
	$(VENV)/bin/python benchmarks/mutants.py --out benchmarks/results/mutants.json

bench: $(VENV)/installed
	$(RUN) pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable .[bench]
	$(VENV)/bin/python benchmarks/epochs.py --out benchmarks/results/epochs.json
	$(VENV)/bin/python benchmarks/sampling.py --out benchmarks/results/sampling-sqlite.json
	$(VENV)/bin/python benchmarks/peers.py --out benchmarks/results/peers.json
	$(VENV)/bin/python benchmarks/report.py --out benchmarks/results/report.json
	$(VENV)/bin/python benchmarks/lengths.py --out benchmarks/results/lengths.json
	$(VENV)/bin/python benchmarks/strategies.py --seeds 30 --out benchmarks/results/strategies.json
	$(VENV)/bin/python benchmarks/strategies.py --seeds 30 --budget 0.33 --out benchmarks/results/strategies-third.json
	$(VENV)/bin/python benchmarks/summary.py

reports: $(VENV)/installed
	for study in digits playground usps mnist fashion examples/diabetes.toml; do $(RUN) tuner optimize --study $$study || exit 1; done
	$(RUN) tuner baseline --study all
	$(RUN) tuner report --study all --latency

lint: $(VENV)/installed-dev
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy

# The locked versions first, then the project itself in place.
$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11 to 3.13 is needed, this is " + sys.version.split()[0] + ": say which, as in make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet --disable-pip-version-check -r requirements.lock
	$(RUN) pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	$(RUN) pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@

lock:
	$(RUN) pip install --quiet uv
	$(RUN) uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header --no-annotate --output-file requirements.lock pyproject.toml
	$(RUN) uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header --no-annotate --constraints requirements.lock --group dev --output-file requirements-dev.lock
	$(RUN) uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header --no-annotate --constraints requirements.lock --group mutants --output-file requirements-mutants.lock
	$(RUN) uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header --no-annotate --constraints requirements.lock --group docs --output-file requirements-docs.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build
	find . -name __pycache__ -prune -exec rm -rf {} +
