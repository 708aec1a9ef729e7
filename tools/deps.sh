#!/usr/bin/env bash
# Installs what the build, the demo and the tests need: Debian or Ubuntu packages, then pinned Python
# packages in build/venv, then ONNX Runtime's library and header in build/deps. Quick when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
# A new machine may have no package lists yet, and then knows of no package at all.
apt-cache show clang-19 >/dev/null 2>&1 || "${as_root[@]}" apt-get update -qq
boost=1.81
apt-cache show "libboost$boost-dev" >/dev/null 2>&1 || boost=1.83
packages=(
  clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev llvm-19 mold ccache cmake ninja-build
  "libboost$boost-dev" "libboost-json$boost-dev" libssl-dev libsqlite3-dev libarchive-dev
  libyaml-cpp-dev libcli11-dev libfmt-dev libgtest-dev libsimdjson-dev
  python3 python3-venv golang-go ca-certificates git wrk
)
# A Go or a Python that is already there is used as it is.
command -v go >/dev/null && packages=("${packages[@]/golang-go/}")

missing=()
for package in "${packages[@]}"; do
  [ -z "$package" ] && continue
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  echo "deps: installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null
fi

venv=build/venv
lock=requirements/tools.lock
stamp=$venv/.lock-digest
digest=$(sha256sum "$lock" | cut -d' ' -f1)
if [ "$(cat "$stamp" 2>/dev/null)" != "$digest" ]; then
  echo "deps: installing the Python packages of $lock into $venv"
  python3 -m venv "$venv"
  uv_pin=$(grep -m1 '^uv==' "$lock" | cut -d' ' -f1)
  "$venv/bin/pip" install -q --disable-pip-version-check "$uv_pin"
  "$venv/bin/uv" pip sync -q --python "$venv/bin/python" --require-hashes "$lock"
  echo "$digest" >"$stamp"
fi

tools/fetch_onnxruntime.sh
