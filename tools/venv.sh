# Sourced by tools/demo and tools/test: makes .venv once and installs dms with the named extras.

step() { printf '\n== %s\n' "$*"; }

find_python() {
  local name
  for name in "${PYTHON:-}" python3.12 python3.11 python3.10 python3; do
    [ -n "$name" ] && command -v "$name" >/dev/null || continue
    "$name" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null || continue
    echo "$name" && return
  done
  echo "dms needs Python 3.10, 3.11 or 3.12; install one, or name it: PYTHON=/path/to/python3.11 $0" >&2
  return 1
}

# make_venv EXTRAS: install the checkout with its extras unless exactly that is there already.
make_venv() {
  local extras=$1 python stamp
  python=$(find_python)
  if [ ! -x .venv/bin/python ]; then
    step "make .venv with $("$python" --version)"
    "$python" -m venv .venv || {
      rm -rf .venv
      echo "cannot make .venv: on Debian and Ubuntu, install the package python3-venv (or pip install virtualenv)" >&2
      return 1
    }
  fi
  stamp=".venv/installed-$(printf '%s' "$extras" | tr -c 'a-z' '-')-$(cat setup.py tools/venv.sh | sha256sum | cut -c1-16)"
  [ -e "$stamp" ] && return
  step "install dms[$extras] into .venv"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extras]"
  # opencv-python needs libGL, which a bare server lacks; its headless twin is the same code without windows.
  if ! .venv/bin/python -c 'import cv2' 2>/dev/null; then
    step "no libGL here: use opencv-python-headless in place of opencv-python"
    local version
    version=$(.venv/bin/python -c 'from importlib.metadata import version; print(version("opencv-python"))')
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "opencv-python-headless==$version"
  fi
  # The checkout itself, so that `.venv/bin/python tools/evaluate.py` finds the rooms beside it.
  pwd > "$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/dms-checkout.pth"
  touch "$stamp"
}
