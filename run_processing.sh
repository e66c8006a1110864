#!/usr/bin/env bash
# One day, by hand over SSH or by cron: environment, make process, one log in logs/. Exits as make process does.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

if [[ $# -gt 1 || "${1:-}" == -* ]]; then
  echo "usage : ./run_processing.sh [AAAA-MM-JJ]   (défaut : hier, heure de Paris)" >&2
  [[ "${1:-}" == -h || "${1:-}" == --help ]] && exit 0
  exit 2
fi
if [[ $# -eq 1 ]]; then
  export DATE="$1"
fi

log="logs/processing_$(date +%Y%m%d_%H%M%S).log"
if ! { mkdir -p logs && : >>"$log"; }; then
  echo "impossible d'écrire $log : vérifier les droits du dossier logs/." >&2
  exit 1
fi

# What is newer than this file was written by this run.
started="$(mktemp)"
trap 'rm -f "$started"' EXIT

written() {
  local output
  output="$(.venv/bin/python -c 'from lib.settings import load_settings; print(load_settings().output_dir)')" || return
  echo "Fichiers écrits :"
  find "$output" -type f -newer "$started" -not -path '*/.*' 2>/dev/null | sort | sed 's/^/  /'
}

run() {
  local status=0
  echo "Traitement commencé le $(date '+%Y-%m-%d %H:%M:%S %z')"
  make process || status=$?
  written
  echo "Journal : $log (code $status)"
  return "$status"
}

run 2>&1 | tee -a "$log"
exit "${PIPESTATUS[0]}"
