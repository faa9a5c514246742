# Two commands matter: `make run` does the main job, `make test` says whether it may be trusted.
# Everything lands in .venv; nothing but Python 3.11 or newer is needed.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
STATE := state
# Machine code is made here, once for this user, not in the first minutes of whatever runs first: a training on a few
# texts asks for all of it.
COMPILE = @echo "编译机器码（只在第一次和程序变化时，约一分钟）……"; \
	some=$$(mktemp -d) && awk 'FNR % 50 == 1 || /"part": "test"/' corpora/gold/*.jsonl > $$some/some.jsonl && \
	$(BIN)/zuofeng train --corpus $$some/some.jsonl --out $$some/models > $$some/log 2>&1 || { cat $$some/log; exit 1; }; \
	rm -r $$some

# What packages bring is compiled on all cores and without everybody's tests: pip would do one file after the other. What
# is no Python of this version is nobody's mistake. Our own with it: whoever runs it later may not be allowed to write.
BYTECODE = $(BIN)/python -m compileall -qq -j 0 -x /tests/ .venv/lib pipeline || true

.PHONY: run test coverage test-faults chromium systemd pictures words lint format bench lock clean

run: .venv/run.ready
	@test -f models/champion || $(BIN)/zuofeng train
	@$(BIN)/zuofeng nightly --source corpora/samples --write-back $(STATE)/samples-scored.xlsx; \
	code=$$?; test $$code -le 1 || exit $$code; \
	echo "带分数的表：$(STATE)/samples-scored.xlsx"; \
	echo "复核台（网页）："; \
	echo "  1. 建帐号：$(BIN)/zuofeng user add 帐号 --role senior"; \
	echo "  2. 运行 $(BIN)/zuofeng serve，用浏览器打开 http://127.0.0.1:8000/"

test: .venv/code.ready chromium systemd
	$(BIN)/zuofeng corpus check
	$(BIN)/python -m pytest -n 2 --dist worksteal --ignore=tests/faults $(ARGS)

# The same tests, with the lines and branches they reach: at least nine in ten. Takes twice as long.
coverage: .venv/code.ready chromium systemd
	$(BIN)/python -m coverage erase
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term --ignore=tests/faults $(ARGS)

# Bad days: kills, outages, full disks. Prints what was injected and what it cost; mounts a small disk, so it needs root.
test-faults: .venv/code.ready
	$(BIN)/python -m pytest -n 3 --dist worksteal tests/faults $(ARGS)

# The browser tests drive the system's Chromium, with a Chinese font; CHROMIUM=/path names another one.
chromium:
	@test -n "$(CHROMIUM)" || command -v chromium >/dev/null || { \
	command -v apt-get >/dev/null || { echo "请安装 Chromium，或用 CHROMIUM=路径 指明它在哪里。"; exit 1; }; \
	root=$$(test "$$(id -u)" = 0 || echo sudo); \
	$$root apt-get update -q && $$root apt-get install -y -q --no-install-recommends chromium fonts-noto-cjk; }

# The units in deploy/ are read by systemd's own reader. Behind Chromium: apt-get works for one at a time.
systemd: | chromium
	@command -v systemd-analyze >/dev/null || { \
	command -v apt-get >/dev/null || { echo "请安装 systemd-analyze。"; exit 1; }; \
	root=$$(test "$$(id -u)" = 0 || echo sudo); \
	$$root apt-get update -q && $$root apt-get install -y -q --no-install-recommends systemd; }

# The pictures in docs/desk; run after changing a page.
pictures: .venv/code.ready chromium
	$(BIN)/python -m pytest tests/desk/pictures.py $(ARGS)

# The English words of the pages: run after changing django.po.
words: .venv/dev.ready
	$(BIN)/pybabel -q compile -D django -d pipeline/desk/locale

lint: .venv/dev.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit -q -r pipeline -c pyproject.toml
	PATH="$(BIN):$$PATH" .ci/advisories

format: .venv/dev.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/code.ready
	$(BIN)/zuofeng evaluate

# Exact versions with hashes, no index lines; run after changing pyproject.toml. Extras stay: what another package asks for
# with an extra is only pinned when the file has it with that extra.
lock: .venv/base.ready
	$(PIP) install uv
	$(BIN)/uv pip compile -q --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate requirements/build.in -o requirements/build.txt
	$(BIN)/uv pip compile -q --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --extra postgres -o requirements/run.txt
	$(BIN)/uv pip compile -q --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --extra postgres --extra cluster -o requirements/cluster.txt
	$(BIN)/uv pip compile -q --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --extra dev --extra postgres --extra cluster -o requirements/dev.txt

clean:
	rm -rf .venv $(STATE) build dist .coverage* .mypy_cache .ruff_cache

.venv/base.ready: requirements/build.txt
	@$(PYTHON) -c 'import sys; sys.exit("需要 Python 3.11 或更新版本") if sys.version_info < (3, 11) else 0'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --require-hashes -r requirements/build.txt
	touch $@

.venv/run.ready: .venv/base.ready requirements/run.txt pyproject.toml
	@echo "安装依赖（只在第一次和依赖变化时）……"
	$(PIP) install --no-compile --require-hashes -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	$(BYTECODE)
	$(COMPILE)
	touch $@

.venv/dev.ready: .venv/base.ready requirements/dev.txt pyproject.toml
	$(PIP) install --no-compile --require-hashes -r requirements/dev.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	$(BYTECODE)
	touch $@

.venv/code.ready: .venv/dev.ready
	$(COMPILE)
	touch $@
