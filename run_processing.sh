#!/usr/bin/env bash
# By hand over SSH, by cron or by a systemd timer: environment, the work, one log in LOG_DIR.
# Without a date, what the last days lack (make daily); with one, that day (make process). Its exit codes are README's.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

usage="usage : ./run_processing.sh [--fetch] [AAAA-MM-JJ]
  sans date : ce qui manque aux derniers jours ; avec une date : ce jour
  --fetch   : d'abord récupérer les fichiers bruts"
fetch=() day=""
for word in "$@"; do
  case "$word" in
    -h | --help) echo "$usage"; exit 0 ;;
    --fetch) fetch=(--fetch) ;;
    -*) echo "$usage" >&2; exit 2 ;;
    *) [[ -z "$day" && -n "$word" ]] || { echo "$usage" >&2; exit 2; }; day="$word" ;;
  esac
done

taken() {
  [[ -e "$1" || -L "$1" ]] # a link, even a dead one, is nothing to write through
}

# A setting as the scripts have it; they need no package for that but python-dotenv, where there is a .env.
setting() {
  .venv/bin/python -c 'import sys; from lib.common.settings import load_settings; print(getattr(load_settings(), sys.argv[1]))' "$1" 2>/dev/null
}

# A log of its own for each run, also for two that start in the same second.
new_log() {
  local base name number=1
  base="$folder/processing_$(date +%Y%m%d_%H%M%S)"
  name="$base.log"
  mkdir -p "$folder" 2>/dev/null || return
  until ! taken "$name" && (set -o noclobber; : >"$name") 2>/dev/null; do
    taken "$name" || return
    number=$((number + 1))
    name="${base}_$number.log"
  done
  echo "$name"
}

# What is newer than `started` was written by this run. It lies beside the log, so that a full TMPDIR stops nothing.
folder="$(setting log_dir)" || folder=""
folder="${folder:-$PWD/logs}"
if ! log="$(new_log)" || ! started="$(mktemp "$folder/.debut.XXXXXX" 2>/dev/null)"; then
  echo "❌ impossible d'écrire dans $folder : vérifier les droits de ce dossier et la place libre." >&2
  exit 1
fi
trap 'rm -f "$started"' EXIT

written() {
  local output files
  output="$(setting output_dir)" || return
  files="$(find "$output" -mindepth 1 \( -name '.*' -o -path "$output/runs" \) -prune -o -type f -newer "$started" -print 2>/dev/null | sort)"
  if [[ -z "$files" ]]; then
    echo "Aucun fichier écrit$1."
  else
    echo "Fichiers écrits :"
    printf '%s\n' "$files" | sed 's/^/  /'
    echo "📁 Fichiers JSON créés dans ${output#"$PWD/"}/"
  fi
}

work() {
  make --silent venv || return 3
  if [[ -z "$day" ]]; then
    .venv/bin/python scripts/daily.py "${fetch[@]}"
    return
  fi
  if [[ "${#fetch[@]}" -gt 0 ]]; then
    .venv/bin/python scripts/fetch_raw.py --date "$day" # what cannot be fetched is said; the day is of what is there
  fi
  .venv/bin/python scripts/day.py --date "$day"
}

run() {
  local status=0 fallback
  echo "Traitement commencé le $(date '+%Y-%m-%d %H:%M:%S %z')"
  work || status=$?
  echo "Journal : $log (code $status)"
  if [[ "$status" -eq 0 ]]; then
    written " : tout était à jour"
    fallback="$(setting fallback_notice)"
    echo "✅ Traitement terminé avec succès${fallback:+ ($fallback)}"
  else
    [[ "$status" -eq 75 ]] || written '' # another run holds the day, and the new files are its own
    echo "❌ Traitement terminé avec des erreurs (code $status) : voir ci-dessus, puis make status et make doctor"
  fi
  return "$status"
}

run 2>&1 | tee -a "$log" 2>/dev/null # what it cannot write is said below
status=("${PIPESTATUS[@]}")
if [[ "${status[1]}" -eq 1 ]]; then # tee goes on without its file
  echo "❌ le journal $log est incomplet : vérifier la place libre. Les lignes ci-dessus sont entières." >&2
  exit $((status[0] ? status[0] : 1))
fi
exit "${status[0]}"
