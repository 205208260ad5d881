#!/usr/bin/env bash
# Builds the libFuzzer targets and runs them one after the other (Debian packages clang and libclang-rt-14-dev).
#   bash tests/fuzz/run.sh short [target...]    20 seconds each
#   bash tests/fuzz/run.sh long [target...]     10 million executions each: 9 on small inputs, 1 on large ones
# Without names: all targets. The corpora grow in .build/fuzz/runs/<target>, where logs and findings lie too.
set -euo pipefail
cd "$(dirname "$0")/../.."

# target, longest small input and longest input in bytes: small files hold one operation of each kind, or one section
lengths="dfg 640 1280
dfx 448 4096
kpu_json 768 4096
kpu_binary 1024 4096
platform 448 4096
npy 512 512
npz 1024 2048"

case "${1:-}" in
short | long) kind=$1 ;;
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

# The checks stay; most of the time would go into stacks of allocations and into memory that is not in a cache. What is
# freed is kept from reuse for 1 MiB of frees. Leaks are looked for at the end, in every input of the corpus.
checks=malloc_context_size=0:quarantine_size_mb=1:thread_local_quarantine_size_kb=64:max_malloc_fill_size=0

# fuzz NAME STAGE SEEDS OPTION...: one run of libFuzzer from the target's corpus and the seeds; its log is NAME/STAGE.log.
fuzz() {
    local name=$1 stage=$2 seeds=$3 out=.build/fuzz/runs/$1 dictionary=tests/fuzz/dictionaries/$1.dict
    shift 3
    mkdir -p "$out/corpus"
    local options=("-artifact_prefix=$out/" -timeout=5 -rss_limit_mb=2048 -entropic=0 -reduce_inputs=0 -print_final_stats=1)
    [ -f "$dictionary" ] && options+=("-dict=$dictionary")
    local TIMEFORMAT="processor seconds %U + %S"
    if ! { time ASAN_OPTIONS=$checks nice -n 19 .build/fuzz/bin/"fuzz_$name" "${options[@]}" "$@" "$out/corpus" "$seeds"; } \
        >"$out/$stage.log" 2>&1; then
        tail -n 40 "$out/$stage.log" >&2
        echo "$name: a finding, see $out" >&2
        exit 1
    fi
    grep -a -E '^#[0-9]+.DONE|^processor' "$out/$stage.log" | sed "s/^/$name $stage: /"
}

# small_seeds NAME BYTES: a folder with the seeds of at most so many bytes.
small_seeds() {
    local folder=.build/fuzz/runs/$1/small
    rm -rf "$folder"
    mkdir -p "$folder"
    find "tests/fuzz/corpus/$1" -type f -size "-$(($2 + 1))c" -exec cp -t "$folder" {} +
    echo "$folder"
}

for name in "${names[@]}"; do
    read -r small large < <(sed -n "s/^$name //p" <<<"$lengths") || { echo "no target $name" >&2; exit 2; }
    seeds=tests/fuzz/corpus/$name
    if [ "$kind" = short ]; then
        fuzz "$name" short "$seeds" -max_total_time=20 "-max_len=$large"
        continue
    fi
    fuzz "$name" small "$(small_seeds "$name" "$small")" -runs=9000000 "-max_len=$small" -detect_leaks=0
    fuzz "$name" large "$seeds" -runs=1000000 "-max_len=$large" -detect_leaks=0
    fuzz "$name" leaks "$seeds" -runs=0 "-max_len=$large"
done
