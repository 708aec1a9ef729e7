#!/bin/sh
# Puts ONNX Runtime's C header and shared library into build/deps/{include,lib}.
# Idempotent; needs go (for the header's module) and python3 with venv (for the wheel).
set -eu

header_module=github.com/yalue/onnxruntime_go@v1.27.0
wheel=onnxruntime==1.32.0
root=$(cd "$(dirname "$0")/.." && pwd)
deps=$root/build/deps
library=$deps/lib/libonnxruntime.so.1
header=$deps/include/onnxruntime_c_api.h

if [ -s "$library" ] && [ -s "$header" ]; then exit 0; fi
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
mkdir -p "$deps/include" "$deps/lib"

if [ ! -s "$header" ]; then
  echo "fetching the header of ONNX Runtime ($header_module)"
  (cd "$work" && go mod init header >/dev/null 2>&1 && GOMODCACHE="$work/go" GOFLAGS=-modcacherw \
    go mod download "$header_module")
  module=$work/go/$header_module
  cp "$module/onnxruntime_ep_c_api.h" "$deps/include/"
  cp "$module/onnxruntime_c_api.h" "$header"
fi

if [ ! -s "$library" ]; then
  echo "fetching ONNX Runtime ($wheel)"
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" --disable-pip-version-check -q download --no-deps -d "$work/wheel" "$wheel"
  python3 -m zipfile -e "$work"/wheel/*.whl "$work/unpacked"
  cp "$work"/unpacked/onnxruntime/LICENSE "$deps/lib/onnxruntime.LICENSE"
  cp "$work"/unpacked/onnxruntime/capi/libonnxruntime.so.1.* "$library.part"
  chmod 755 "$library.part"
  mv "$library.part" "$library"
fi
