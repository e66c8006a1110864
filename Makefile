# CityFlow Paris: the words people type. `make help` is the front door.
#
# Make sets up the virtual environment; which steps of a day are stale, and their order, is for Python: one process that
# imports pandas once and forks the steps (scripts/day.py).

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help

# A command that fails has said why, in French, and make is to add nothing ("*** [Makefile:92: process] Error 1"). It is
# silent about a line that ends with 1 only where it was asked a question (-q), which lines marked `+` answer by being run:
# it then ends with 1. What people ask by -n, -q or -t stays what it is.
dry := $(strip $(foreach flag,n q t,$(findstring $(flag),$(firstword -$(MAKEFLAGS)))))
override MAKEFLAGS += --no-builtin-rules --no-print-directory $(if $(dry),,-q)
run := $(if $(dry),@,+@trap 'exit 1' INT; trap '((! $$?)) || exit 1' EXIT; unset MAKEFLAGS MAKELEVEL; \
	[[ -z "$$REFUSED" ]] || { echo "$$REFUSED" >&2; exit 1; };)
show = $(run) printf '%s\n' $(call quoted,$1); $1

PY := .venv/bin/python
SOURCES := $(patsubst scripts/process_%.py,%,$(wildcard scripts/process_*.py))
COMMANDS := help demo test torture process $(SOURCES) report upload check-upload setup-aws fetch backfill history tables \
	quality status daily doctor bench clean venv new-venv venv-dev venv-bench constraints
.PHONY: $(COMMANDS) step-known

# What people type reaches the recipes through the environment, as "$$DATE": pasted into them it would be shell code.
# What is set on make's command line is text, which make never expands ($(value …)), and has a name that something reads.
VALUES := DATE FROM TO MONTH TYPE WHAT TRIALS JOBS SCHEDULER SOURCE ORIGIN DAYS
SWITCHES := DRY_RUN FORCE WAIT CHECK STRICT AWS FETCH REPAIR
SETTINGS = $(shell sed -n 's/^\#\([A-Z0-9_]*\)=.*/\1/p' .env.example)
PLACES := BATCH_DATA_PATH API_DATA_PATH COMPTAGES_CSV CHANTIERS_CSV REFERENTIEL_CSV
ON := 1 oui OUI yes YES true TRUE
OFF := 0 non NON no NO false FALSE
FETCH ?= 1

typed := $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))
$(foreach name,$(typed) $(VALUES),$(eval override $(name) := $$(value $(name))))
CITYFLOW_MAKE := make $(typed)
REFUSED :=
export $(VALUES) $(typed) CITYFLOW_MAKE REFUSED
ifneq ($(filter DATA_DIR,$(typed)),)
unexport $(filter-out $(typed),$(PLACES))
endif

# $(call near,word,known,form): « (est-ce form ?) », % in it being the known word that is like it; empty where none is.
quoted = '$(subst ','\'',$1)'
near = $(shell python3 -c 'import difflib as d, sys; plain = lambda name: name.replace("_", "").upper(); \
	names = {plain(one): one for one in sys.argv[2:]}; \
	print(*(" (est-ce $3 ?)".replace("%", names[one]) for one in d.get_close_matches(plain(sys.argv[1]), names, 1, 0.7)))' \
	$(quoted) $2 2>/dev/null)

strange := $(firstword $(filter-out $(VALUES) $(SWITCHES) PY PYTHON AWS_% DASK_% LC_% PIP_% LANG TMPDIR TZ COLUMNS NO_COLOR \
	CITYFLOW_NOW CITYFLOW_RUN CITYFLOW_LOCK_FD,$(typed)))
ifneq ($(filter-out $(if $(strange),$(SETTINGS)),$(strange)),)
REFUSED := $(strange)= est inconnu$(call near,$(strange),$(VALUES) $(SWITCHES) $(SETTINGS),%=) : rien n'a été fait. \
	Voir make help et .env.example
endif
$(foreach name,$(SWITCHES),$(if $(filter-out $(ON) $(OFF),$(value $(name))),$(eval \
	REFUSED := $$(name)=$$(value $$(name)) est invalide : écrire $$(name)=1, ou $$(name)=0))$(eval override $(name) := $(filter $(ON),$(value $(name)))))
$(if $(dry),$(if $(REFUSED),$(error $(REFUSED))))

# ---------------------------------------------------------------------------------------------------------- commands

help: ## cette aide
	$(run) printf 'CityFlow Paris. Le jour par défaut (DATE) est hier, heure de Paris.\n\n'
	$(run) sed -nE 's/^\$$\(SOURCES\)/$(SOURCES)/; s/^([a-z][a-z -]*):[^#]*## (.*)$$/\1\t\2/p' Makefile | while IFS=$$'\t' read -r words text; do \
		head="  make $$words"; [[ $${#words} -le 14 ]] || { printf '  make %s\n' "$${words// /|}"; head=''; }; \
		fold -s -w 58 <<<"$$text" | while read -r row; do printf '%-21s%s\n' "$$head" "$$row"; head=''; done; done 2>/dev/null || [[ $$? == 141 ]]

demo: venv ## démonstration complète sur des données inventées
	$(run) echo 'Démonstration : 29 jours inventés puis traités, une à deux minutes. Ces données ont des défauts exprès : les avertissements sont normaux.'
	$(run) $(PY) scripts/make_demo_data.py --output data/demo/cityflow-raw/raw
	$(run) $(DEMO) $(PY) scripts/backfill.py --from 2025-10-07 --to 2025-11-04
	$(run) $(DEMO) $(PY) scripts/generate_report.py --date 2025-11-04
	$(run) $(DEMO) $(PY) scripts/generate_history.py
	$(run) $(DEMO) $(PY) -c 'from lib.common.settings import load_settings as s; from lib.common.shown_settings import typable as t; print(s().output_dir, t("make process DATE=2025-11-04 DATA_DIR=data/demo"), sep="\n")' | { \
		read -r output; read -r again; printf '%s\n' '' 'À regarder (résultats inventés, que le premier traitement de vraies données rangera à côté) :' \
			"  $$output/reports/daily_report_2025-11-04.html   (la page du jour, à ouvrir dans un navigateur)" \
			"  $$output/reports/index.html   (tous les jours)" \
			"  $$output/reports/daily_report_2025-11-04.csv   (tableur)" \
			"  $$output/reports/daily_report_2025-11-04.json   (programmes)" \
			"  $$output/metrics/   (un fichier par source et par jour)" "Refaire un de ces jours : $$again"; }

DEMO = env $(PLACES:%=-u %) DATA_DIR=data/demo CITYFLOW_STORE=local_files

# The long form of tests/torture (thousands of spoilt files, hundreds of kill -9), of each property that Hypothesis finds
# examples for, and the cases that only repeat what others show. The short one is part of make test.
torture: venv-dev ## [TRIALS=10000] essayer de casser : fichiers abîmés, kill -9, disque plein
	$(call show,$(PY) -m pytest -n auto tests/torture --torture "$${TRIALS:-10000}")
	$(call show,$(PY) -m pytest -n auto -m 'hypothesis or long' --ignore tests/torture --torture "$${TRIALS:-10000}")

test: venv-dev ## lint, types et tous les tests
	$(call show,$(PY) -m ruff check .)
	$(call show,$(PY) -m ruff format --check .)
	$(call show,$(PY) -m mypy)
	$(call show,.venv/bin/lint-imports --no-logo --no-cache)
	$(call show,$(PY) -m pytest -n auto --dist loadfile)

process: venv ## [DATE=] [FORCE=1] [WAIT=1] toutes les sources et le rapport du jour
	$(run) $(DAY) $(if $(WAIT),--wait)

$(SOURCES) report: venv ## [DATE=] [FORCE=1] une source, ou le rapport
	$(run) $(DAY) --only $@

# What is stale of a day: the sources side by side, on all cores unless make was told how many, then the report.
DAY = $(PY) scripts/day.py $${DATE:+--date "$$DATE"} $(if $(FORCE),--force) \
	$(patsubst -j%,--jobs %,$(filter-out -j,$(filter -j%,$(MAKEFLAGS))))

# FETCH=0 where the raw files come by another way.
daily: venv ## [DAYS=3] [FETCH=0] chaque matin : récupérer et traiter ce qui manque aux derniers jours
	$(run) $(PY) scripts/daily.py $${DAYS:+--days "$$DAYS"} $(if $(FETCH),--fetch)

upload: venv ## [DRY_RUN=1] [DATE=] [FROM=] [TO=] [TYPE=metrics|reports|tables|all] [FORCE=1] [JOBS=8] publier vers AWS
	$(run) $(PY) upload_to_aws.py $(if $(DRY_RUN),--dry-run) $(if $(FORCE),--force) $(CHOSEN)

check-upload: venv ## [DATE=] [FROM=] [TO=] [TYPE=] [REPAIR=1] vérifier ce qui est publié ; REPAIR=1 répare
	$(run) $(PY) upload_to_aws.py $(if $(REPAIR),--repair,--check) $(CHOSEN)

CHOSEN = $${DATE:+--date "$$DATE"} $${FROM:+--from "$$FROM"} $${TO:+--to "$$TO"} $${TYPE:+--type "$$TYPE"} \
	$${JOBS:+--jobs "$$JOBS"}

setup-aws: venv ## [DRY_RUN=1] [CHECK=1] créer les tables, le TTL et le bucket
	$(run) $(PY) setup_dynamodb_tables.py $(if $(DRY_RUN),--dry-run) $(if $(CHECK),--check)

fetch: venv ## [DATE=] [SOURCE=] [FROM= TO=] [ORIGIN=s3] [FORCE=1] récupérer les fichiers bruts
	$(run) $(PY) scripts/fetch_raw.py $(if $(FORCE),--force) $${DATE:+--date "$$DATE"} $${FROM:+--from "$$FROM"} \
		$${TO:+--to "$$TO"} $${SOURCE:+--source "$$SOURCE"} $${ORIGIN:+--origin "$$ORIGIN"}

backfill: venv ## FROM= TO= [SOURCE="bikes traffic"] [JOBS=] [SCHEDULER=] [DRY_RUN=1] [FORCE=1] traiter une période
	$(run) [[ -n "$$FROM" && -n "$$TO" ]] || { echo 'Écrire les deux jours, compris : make backfill FROM=AAAA-MM-JJ TO=AAAA-MM-JJ' >&2; exit 2; }; \
	sources=(); for one in $$SOURCE; do sources+=(--source "$$one"); done; \
	$(PY) scripts/backfill.py --from "$$FROM" --to "$$TO" "$${sources[@]}" $${JOBS:+--jobs "$$JOBS"} \
		$${SCHEDULER:+--scheduler "$$SCHEDULER"} $(if $(DRY_RUN),--dry-run) $(if $(FORCE),--force)

history: venv ## [FROM=] [TO=] [MONTH=AAAA-MM] la page de tous les jours et les bilans des mois
	$(run) $(PY) scripts/generate_history.py $${FROM:+--from "$$FROM"} $${TO:+--to "$$TO"} $${MONTH:+--month "$$MONTH"}

tables: venv ## [DATE=] [FROM=] [TO=] les résultats en tables Parquet, pour pandas, DuckDB et Athena
	$(run) $(PY) scripts/make_tables.py $${DATE:+--date "$$DATE"} $${FROM:+--from "$$FROM"} $${TO:+--to "$$TO"}

quality: venv ## [DATE=] [STRICT=1] dire si les chiffres du jour sont sûrs
	$(run) $(PY) scripts/check_quality.py $${DATE:+--date "$$DATE"} $(if $(STRICT),--strict)

status: venv ## [FROM= TO=] dire quels jours sont complets, partiels, manquants, publiés
	$(run) $(PY) scripts/show_status.py $${FROM:+--from "$$FROM"} $${TO:+--to "$$TO"}

# Without `venv`: doctor needs no package, and says which are missing.
doctor: ## [AWS=1] dire ce qui empêcherait un traitement
	$(run) $(or $(wildcard $(PY)),$(PYTHON),python3) scripts/doctor.py $(if $(AWS),--aws)

bench: step-known venv venv-bench ## [WHAT=day|range|road-counts|upload|all] mesurer (long, 16 Go de disque) ; résultats dans docs/benchmarks.md
	$(run) [[ "$${WHAT:=road-counts}" != all ]] || WHAT="$(BENCHES)"; \
	for one in $$WHAT; do .venv-bench/bin/python bench/results.py "$$one" -- .venv-bench/bin/python "bench/$${one//-/_}.py"; done

step-known: # before minutes of installing
	$(run) [[ " all $(BENCHES) " == *" $${WHAT:-road-counts} "* ]] || { echo "WHAT=$$WHAT est inconnu : $(BENCHES) ou all" >&2; exit 2; }

BENCHES := $(subst _,-,$(basename $(notdir $(wildcard bench/day.py bench/range.py bench/road_counts.py bench/upload.py))))

clean: ## supprimer l'environnement, les caches et la démonstration (jamais output/ ni logs/)
	$(call show,rm -rf .venv .venv-bench .pytest_cache .mypy_cache .ruff_cache .hypothesis data/demo data/bench)
	$(call show,find lib scripts tests -name __pycache__ -prune -exec rm -rf {} +)

# Also asked for the Makefile itself, hence the rule after it.
.DEFAULT:
	$(run) printf 'make %s : cette commande n’existe pas%s. Les voici toutes : make help\n' $(call quoted,$@) \
		$(call quoted,$(call near,$@,$(COMMANDS),make %)) >&2; exit 1
Makefile: ;

# ------------------------------------------------------------------------------------------------------- environment

# The newest that constraints.txt has wheels for, and that can make an environment (Debian's needs python3-venv for that).
PYTHON ?= $(shell for needed in ensurepip sys; do for one in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$one -c "import sys, $$needed; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo $$one && break 2; done; done)

# Installs what a file asks for, only when it or constraints.txt changed since the last install into that environment.
install = wanted="$$(<constraints.txt)$$(<$(1))"; [[ -f $(2)/$(1) && "$$(<$(2)/$(1))" == "$$wanted" ]] || { \
	echo "Installation de $(1) dans $(2) (une à deux minutes la première fois)…" >&2; \
	$(2)/bin/python -m pip install --quiet --disable-pip-version-check -r $(1) || { \
	echo "Installation de $(1) impossible (voir ci-dessus) : vérifier le réseau, le proxy et la place, puis relancer." >&2; exit 3; }; \
	printf '%s' "$$wanted" >$(2)/$(1); }

venv:
	$(run) $(PY) -c 'from importlib.util import find_spec as f; exit(not f("pip"))' 2>/dev/null || $(MAKE) --silent new-venv
	$(run) $(call install,requirements.txt,.venv)

# Apart from `venv`, so that a Python to make it with is looked for only where there is none.
new-venv:
	$(run) [[ -n "$(PYTHON)" ]] || { echo "Python 3.11 ou plus récent est introuvable : l'installer (voir README)." >&2; exit 3; }
	$(run) [[ "$$PWD" != *:* ]] || { printf 'Python refuse les deux-points dans le nom du dossier : renommer %s.\n' "$$PWD" >&2; exit 3; }
	$(run) $(PYTHON) -m venv --clear .venv || \
		{ rm -rf .venv; echo "venv indisponible : installer le paquet python3-venv (voir README)." >&2; exit 3; }

venv-bench:
	$(run) [[ -x .venv-bench/bin/python ]] || $(PYTHON) -m venv .venv-bench
	$(run) $(call install,requirements-bench.txt,.venv-bench)

venv-dev: venv
	$(run) $(call install,requirements-dev.txt,.venv)

# One version of each package for every Python from 3.11 on; versions that are there stay where nothing speaks against it.
constraints:
	$(run) $(PY) -c 'import pip' 2>/dev/null || $(MAKE) --silent new-venv
	$(run) $(PY) -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(run) grep -hv '^-' requirements*.txt | .venv/bin/uv pip compile - --quiet --universal --python-version 3.11 --no-build \
		--fork-strategy fewest --no-annotate --custom-compile-command 'make constraints' --output-file constraints.txt
