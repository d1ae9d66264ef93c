# Every target sets up what it needs in .venv and node_modules: a machine needs Python 3.11 or newer, make and openssl.
PYTHON ?= python3
HOSTS  ?= 25
SEED   ?= 1
COUNT  ?= 300
# Some tests wait for the local AWS, so three workers suit two cores. Each has a Node.js process of its own.
WORKERS ?= 3
# Of the command, what leans on its libraries most. cdk-nag 3 asks for a newer aws-cdk-lib than the construct does, and the
# table of Regions is held against the endpoints of a botocore of today.
OLDEST_TESTS := tests/constructs --ignore tests/constructs/test_compliance.py \
	--ignore tests/constructs/membership/test_membership.py --ignore tests/constructs/reporting/test_digest.py \
	--deselect tests/constructs/authority/test_regions.py::test_the_table_of_what_is_missing_is_that_of_the_endpoints_that_botocore_ships \
	tests/cli/test_run.py tests/cli/test_start.py tests/cli/test_status.py

SEEDS  ?= 300
# Of make chaos: per cent of all calls that go wrong.
RATES  ?= 3,10,30

VENV := .venv
OLDEST := build/oldest
CHECKOV := build/checkov
NAG2 := build/nag2
AWSCLI := build/awscli
SDK := build/sdk
TOOLS := build/tools
PAGES := build/pages
# $(abspath) takes a path with a space in it for two; so what recipes name is relative, and only PATH is not.
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/node_modules/.bin:$(PATH):$(CURDIR)/$(TOOLS)/bin
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1

.DEFAULT_GOAL := help
.PHONY: help setup test test-long test-oldest mutants chaos pages ruff lint synth deploy rehearse bench docs pins operator-docs clean

help:  ## show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/.done: setup.py constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt --editable '.[rehearsal,plot,report,dev]'
	touch $@

node_modules/.done: package.json $(VENV)/.done
	npm install --no-package-lock --no-audit --no-fund --no-update-notifier --loglevel=error
	touch $@

# A second opinion on the template. Its dependencies do not fit beside ours.
$(CHECKOV)/.done: Makefile
	$(PYTHON) -m venv $(CHECKOV)
	$(CHECKOV)/bin/python -m pip install --quiet --no-compile --disable-pip-version-check checkov==3.3.30
	touch $@

# The packs of cdk-nag 2, which many apps still run, do not fit beside those of cdk-nag 3.
$(NAG2)/.done: setup.py Makefile
	$(PYTHON) -m venv $(NAG2)
	$(NAG2)/bin/python -m pip install --quiet --no-compile --disable-pip-version-check --editable . 'cdk-nag>=2.38,<3'
	touch $@

# What operators type the commands of our messages into. It pins botocore, which is ours in another version.
$(AWSCLI)/.done: Makefile
	$(PYTHON) -m venv $(AWSCLI)
	$(AWSCLI)/bin/python -m pip install --quiet --no-compile --disable-pip-version-check awscli==1.46.3
	touch $@

$(OLDEST)/.done: setup.py tests/packaging/floors.py | $(VENV)/.done
	$(PYTHON) -m venv $(OLDEST)
	$(BIN)/python tests/packaging/floors.py > $(OLDEST)/constraints.txt
	$(OLDEST)/bin/python -m pip install --quiet --no-compile --disable-pip-version-check \
		--constraint $(OLDEST)/constraints.txt --editable . \
		pytest pytest-xdist 'moto[dynamodb,s3,sns,sqs,ssm,stepfunctions]'
	touch $@

# Lambda's Node.js runtime has it, and the CDK's function that empties buckets takes it from there.
$(SDK)/.done: Makefile node_modules/.done
	mkdir -p $(SDK)
	npm install --prefix $(SDK) --no-save --no-package-lock --no-audit --no-fund --loglevel=error @aws-sdk/client-s3@3.1175.0
	touch $@

# A browser's driver, and what looks for pages that keep somebody out. The browser itself is Debian's.
$(PAGES)/.done: Makefile $(VENV)/.done
	mkdir -p $(PAGES)
	npm install --prefix $(PAGES) --no-save --no-package-lock --no-audit --no-fund --loglevel=error \
		puppeteer-core@25.16.0 axe-core@4.14.1
	touch $@

# busybox, strace, OpenSSL 1.1.1 and a newer Python, which tests use where they are.
$(TOOLS)/.done: tests/fetch_tools.sh
	sh tests/fetch_tools.sh "$(CURDIR)/$(TOOLS)"
	touch $@

setup: $(VENV)/.done node_modules/.done  ## install everything into .venv and node_modules

test:  ## every tier of tests that is not long, and ruff; at most ten minutes
	$(MAKE) --no-print-directory --jobs 4 setup $(TOOLS)/.done
	$(MAKE) --no-print-directory --jobs 2 --keep-going ruff pytest

# In the order of tests/conftest.py: what deploys comes first, for it takes the longest.
pytest: setup $(TOOLS)/.done
	python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 15

test-long:  ## what is too long for make test, also mypy, checkov, cdk-nag 2, the AWS CLI and the oldest versions
	$(MAKE) --no-print-directory --jobs 4 setup \
		$(CHECKOV)/.done $(NAG2)/.done $(AWSCLI)/.done $(SDK)/.done $(OLDEST)/.done $(TOOLS)/.done
	python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 15 -m long
	$(MAKE) --no-print-directory lint test-oldest

mutants: setup $(TOOLS)/.done  ## would the tests notice? a sample; SEED=1 COUNT=300, or FILE=path for one module
	python -m tests.mutants $(if $(FILE),--file $(FILE),--seed $(SEED) --count $(COUNT))

test-oldest: setup $(OLDEST)/.done  ## constructs and command with the oldest versions that setup.py allows
	$(OLDEST)/bin/python -m pytest -n $(WORKERS) --dist loadfile -p no:cacheprovider $(OLDEST_TESTS)

chaos: setup  ## faults at every call, and random fleets in bad weather; SEEDS=300 for each rate; goes on where it stopped
	python -m tests.chaos --seeds $(SEEDS) --rates $(RATES)

pages: setup $(PAGES)/.done  ## open pages in chromium, which must be there; DATA=file of report --json, DOCS=1 for pictures
	python -m tests.pictures.browser $(PAGES) $(DATA) $(if $(DOCS),--docs)

ruff: setup  ## style and the mistakes that ruff finds
	ruff check .
	ruff format --check .

lint: ruff  ## ruff and mypy --strict, which takes a minute or two
	mypy

synth: setup  ## synthesize the sample app into cdk.out; ARGS='-c name=value'
	cdk synth --quiet $(ARGS)
	@echo "template: cdk.out/PcaAutomator.template.json"

deploy: setup  ## deploy the sample app with your AWS credentials; ARGS='-c name=value'
	cdk deploy $(ARGS)

rehearse: setup  ## the whole lifecycle in a local AWS; HOSTS=25
	pca-automator rehearse --hosts $(HOSTS)

bench: setup  ## figures, each as it comes, and what must hold of simulated fleets; FULL=1 for more
	python tests/bench/bench.py

docs: setup  ## write the pages that are made from the code
	python docs/generate.py

pins: setup  ## write the hashes of the layer's wheels into its requirements, from your package index
	python -m tests.packaging.pins

operator-docs: setup  ## record docs/reference/commands.md and its pictures
	python docs/record_commands.py

clean:  ## remove what the targets made
	rm -rf $(VENV) node_modules build cdk.out dist
