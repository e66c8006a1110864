#!/usr/bin/env bash
# One day, by hand over SSH or by cron: environment, make process, one log in logs/. Exits as make process does.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

usage="usage : ./run_processing.sh [AAAA-MM-JJ]   (défaut : hier, heure de Paris)"
if [[ "${1:-}" == -h || "${1:-}" == --help ]]; then
  echo "$usage"
  exit 0
fi
if [[ $# -gt 1 || "${1:-}" == -* ]]; then
  echo "$usage" >&2
  exit 2
fi
if [[ $# -eq 1 ]]; then
  export DATE="$1"
fi

taken() {
  [[ -e "$1" || -L "$1" ]] # a link, even a dead one, is nothing to write through
}

# A log of its own for each run, also for two that start in the same second.
new_log() {
  local base name number=1
  base="$PWD/logs/processing_$(date +%Y%m%d_%H%M%S)"
  name="$base.log"
  mkdir -p logs 2>/dev/null || return
  until ! taken "$name" && (set -o noclobber; : >"$name") 2>/dev/null; do
    taken "$name" || return
    number=$((number + 1))
    name="${base}_$number.log"
  done
  echo "$name"
}

# What is newer than `started` was written by this run. It lies beside the log, so that a full TMPDIR stops nothing.
if ! log="$(new_log)" || ! started="$(mktemp "$PWD/logs/.debut.XXXXXX" 2>/dev/null)"; then
  echo "impossible d'écrire dans $PWD/logs : vérifier les droits de ce dossier et la place libre." >&2
  exit 1
fi
trap 'rm -f "$started"' EXIT

written() {
  local output files
  output="$(.venv/bin/python -c 'from lib.common.settings import load_settings; print(load_settings().output_dir)' 2>/dev/null)" ||
    return
  files="$(find "$output" -mindepth 1 \( -name '.*' -o -path "$output/runs" \) -prune -o -type f -newer "$started" -print 2>/dev/null | sort)"
  if [[ -z "$files" ]]; then
    echo "Aucun fichier écrit."
  else
    echo "Fichiers écrits :"
    printf '%s\n' "$files" | sed 's/^/  /'
  fi
}

run() {
  local status=0
  echo "Traitement commencé le $(date '+%Y-%m-%d %H:%M:%S %z')"
  make process || status=$?
  echo "Journal : $log (code $status)"
  written
  return "$status"
}

run 2>&1 | tee -a "$log"
status=("${PIPESTATUS[@]}")
if [[ "${status[1]}" -eq 1 ]]; then # tee goes on without its file
  echo "le journal $log est incomplet : vérifier la place libre. Les lignes ci-dessus sont entières." >&2
  exit $((status[0] ? status[0] : 1))
fi
exit "${status[0]}"
