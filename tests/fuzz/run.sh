#!/usr/bin/env bash
# Builds the libFuzzer targets and runs them one after the other (Debian packages clang and libclang-rt-14-dev).
#   bash tests/fuzz/run.sh short [target...]    20 seconds each
#   bash tests/fuzz/run.sh long [target...]     10 million executions each
# Without names: all targets. The corpora grow in .build/fuzz/runs/<target>, where log and findings lie too.
set -euo pipefail
cd "$(dirname "$0")/../.."

# target and longest input in bytes
lengths="dfg 1280
dfx 4096
kpu_json 4096
kpu_binary 4096
platform 4096
npy 512
npz 2048"

case "${1:-}" in
short) limit=-max_total_time=20 ;;
long) limit=-runs=10000000 ;;
*)
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
shift
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    mapfile -t names < <(cut -d' ' -f1 <<<"$lengths")
fi

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz
# Short stacks and a small quarantine: most of the time goes into allocations otherwise.
export ASAN_OPTIONS=malloc_context_size=0:quarantine_size_mb=8
for name in "${names[@]}"; do
    length=$(sed -n "s/^$name //p" <<<"$lengths")
    [ -n "$length" ] || { echo "no target $name" >&2; exit 2; }
    out=.build/fuzz/runs/$name
    mkdir -p "$out/corpus"
    dictionary=tests/fuzz/dictionaries/$name.dict
    options=("$limit" "-max_len=$length" -entropic=0 -reduce_inputs=0 -timeout=5 -rss_limit_mb=2048 -print_final_stats=1
             "-artifact_prefix=$out/")
    [ -f "$dictionary" ] && options+=("-dict=$dictionary")
    if ! nice -n 10 .build/fuzz/bin/"fuzz_$name" "${options[@]}" "$out/corpus" "tests/fuzz/corpus/$name" >"$out/log" 2>&1; then
        tail -n 40 "$out/log" >&2
        echo "$name: a finding, see $out" >&2
        exit 1
    fi
    grep -a -E '^#[0-9]+.DONE|^Done' "$out/log" | sed "s/^/$name: /"
done
