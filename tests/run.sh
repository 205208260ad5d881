#!/usr/bin/env bash
# Installs what is missing (Debian packages), builds, and runs an example or the tests.
#   bash tests/run.sh example    compiles an example graph, runs it on a platform, prints the result table
#   bash tests/run.sh tests      builds everything from clean and runs all tests
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(g++ cmake ninja-build pkg-config git python3 python3-numpy libsystemc-dev libyaml-cpp-dev libboost-dev libboost-test-dev
          nlohmann-json3-dev libcli11-dev libfmt-dev libzip-dev verilator)

install_missing() {
    local missing=()
    for package in "${packages[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    echo "installing: ${missing[*]}" >&2
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

configure() {
    cmake --preset release >/dev/null
}

# KPU_BIN: tools that are built already; KPU_OUT: where the results go.
run_example() {
    local out=${KPU_OUT:-.build/example} bin=${KPU_BIN:-.build/release/bin}
    if [ -z "${KPU_BIN:-}" ]; then
        install_missing
        configure
        cmake --build --preset release --target kpu-kernel-compiler kpu-loader >&2
    fi
    mkdir -p "$out"
    "$bin/kpu-kernel-compiler" compiler/examples/matmul-256.dfg -o "$out/matmul-256.kpu"
    "$bin/kpu-loader" "$out/matmul-256.kpu" --config platforms/edge_ai.yaml --random 1 --verify \
        --stats "$out/stats.json" --trace-output "$out/trace.json" --vcd "$out/waves.vcd"
    echo "waves: $out/waves.vcd (gtkwave $out/waves.gtkw), trace: $out/trace.json (ui.perfetto.dev), statistics: $out/stats.json"
}

run_tests() {
    install_missing
    rm -rf .build/release
    configure
    cmake --build --preset release
    ctest --preset release
}

case "${1:-}" in
example) run_example ;;
tests) run_tests ;;
*)
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
