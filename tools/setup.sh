#!/bin/sh
# Make .venv with the commands `comptoir` and `comptoir-sandbox`; `make setup` runs this.
#
# Rule: Python 3.11 or newer is all that must be there; nothing is written outside the checkout but
# the pip cache; what is installed is exactly requirements.lock, each file checked by its hash.
# Source: docs/adr/0003-lock-file-without-hosts.md. PYTHON names an interpreter to use instead.
set -eu
cd "$(dirname "$0")/.."

die() {
    printf 'make setup: %s\n' "$1" >&2
    exit 2
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# With what a virtual environment and a compiled extension want of it (Debian: python3.11-venv, python3.11-dev).
complete() {
    new_enough "$1" && "$1" -c 'import ensurepip, pathlib, sysconfig, venv
pathlib.Path(sysconfig.get_path("include"), "Python.h").stat()' >/dev/null 2>&1
}

# The distribution's own comes first where all of it is there: it gets security fixes with the system, and it is built with
# profile-guided optimization, without which (pyenv) everything takes a quarter longer. Then the floor: it is the version that CI runs.
find_python() {
    if [ -z "${PYTHON:-}" ] && complete /usr/bin/python3.11; then
        echo /usr/bin/python3.11
        return
    fi
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3 python}; do
        if new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    die "Python 3.11 or newer was not found (tried: ${PYTHON:-python3.11 to python3.14, python3, python}).
  Debian, Ubuntu: apt-get install python3 python3-venv
  elsewhere:      install it, then: make setup PYTHON=/path/to/python3.11"
}

# Debian ships Python without ensurepip; its own pip can fill a venv that was made without one.
make_venv() {
    if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        "$python" -m venv --clear .venv
    elif "$python" -c 'import venv, pip' >/dev/null 2>&1; then
        "$python" -m venv --clear --without-pip .venv
        "$python" -m pip --python .venv/bin/python install --quiet pip
    else
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        die "$python cannot make a virtual environment (no ensurepip, no pip).
  Debian, Ubuntu: apt-get install python$version-venv
  then again:     make setup"
    fi
}

# A .venv whose interpreter has gone, or that was moved here with its folder, is made anew.
usable() {
    [ "$(.venv/bin/python -c 'import os, pip, sys; print(os.path.dirname(sys.prefix))' \
        2>/dev/null)" = "$(pwd -P)" ] && grep -qs "$(pwd -P)/.venv" .venv/bin/pip
}

if ! usable; then
    python=$(find_python)
    printf 'make setup: making .venv with %s\n' "$("$python" --version)"
    make_venv
fi
printf 'make setup: installing what requirements.lock names\n'
pip() {
    .venv/bin/python -m pip --disable-pip-version-check --no-input "$@"
}
pip install --quiet --require-hashes --requirement requirements.lock
# Built with the locked setuptools, so that this step asks no registry for anything. Some versions of
# pip pass on its warning that folders here are named as packages: they are, and that is the design.
PYTHONWARNINGS=ignore pip install --quiet --no-deps --no-build-isolation --editable .

# Qpid Proton, for AMQP 1.0 to a mainframe's MQ, has no wheel: it is compiled where a compiler is, by the locked
# setuptools and cffi. Without it everything else works, and the mainframe's queues are reached over a bridge.
proton() {
    .venv/bin/python -c 'from importlib.metadata import version as v; print(v("python-qpid-proton"))' 2>/dev/null
}
if [ "$(proton)" != "$(sed -n 's/^python-qpid-proton==\([0-9.]*\).*/\1/p' requirements-mq.lock)" ]; then
    command -v cc >/dev/null && pip install --quiet --no-deps --no-build-isolation --require-hashes \
        --requirement requirements-mq.lock >/dev/null 2>&1 ||
        printf 'make setup: no AMQP (extra mq): Qpid Proton wants a C compiler, headers of Python and OpenSSL\n'
fi

# French for Tesseract is in no package of PyPI. Where Debian's has been installed, it is taken; else npm's, or
# Debian's archive, whichever answers. Without either, OCR reads in English alone, and every report says so.
data=.venv/share/tessdata/fra.traineddata
french_of_npm() {
    command -v npm >/dev/null && command -v timeout >/dev/null || return 1
    (cd "$1" && timeout 60 npm pack --silent --cache "$1/npm" "@tesseract.js-data/fra@1.0.0" >/dev/null 2>&1) || return 1
    .venv/bin/python - "$1"/*.tgz "$data" <<'END'
import base64, gzip, hashlib, pathlib, sys, tarfile
KNOWN = "pp58gMaoyidoBBLd5y5rnf0WW0Y1994QrGqZrYatITqIU/AReUJMykD+YY3JDgvnmgz7uAx1UmhjjuyEmV8JEA=="
NAME = "package/4.0.0_best_int/fra.traineddata.gz"
packed = pathlib.Path(sys.argv[1])
if base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode() != KNOWN:
    sys.exit("make setup: what npm gave is not the French data that we know")
with tarfile.open(packed) as archive:
    pathlib.Path(sys.argv[2]).write_bytes(gzip.decompress(archive.extractfile(NAME).read()))
END
}
french_of_debian() {
    command -v apt-get >/dev/null && command -v dpkg >/dev/null && command -v timeout >/dev/null || return 1
    (cd "$1" && timeout 60 apt-get -qq download tesseract-ocr-fra >/dev/null 2>&1) || return 1
    dpkg -x "$1"/tesseract-ocr-fra*.deb "$1/deb" || return 1
    cp "$1"/deb/usr/share/tesseract-ocr/*/tessdata/fra.traineddata "$data"
}
if [ ! -s "$data" ]; then
    if ! cp /usr/share/tesseract-ocr/*/tessdata/fra.traineddata "$data" 2>/dev/null; then
        there=$(mktemp -d)
        french_of_npm "$there" || french_of_debian "$there" ||
            printf 'make setup: no French data for OCR was to be had (npm, apt): it reads in English alone\n'
        rm -rf "$there"
    fi
fi
