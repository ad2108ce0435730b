#!/bin/sh
# Installs the Debian packages that sound needs, where we may; else names the line to type. Never fails.
#   libportaudio2  talks to sound devices
#   jackd2         a sound device without hardware, for the device tests
#   python3-venv   virtual environments, where Python comes without
packages="libportaudio2 jackd2"
python3 -c 'import venv, ensurepip' 2>/dev/null || packages="$packages python3-venv"
missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "not a Debian system: install PortAudio (and JACK for the device tests) with its package manager"
    exit 0
fi
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "going on without$missing; to install: sudo apt-get install --no-install-recommends$missing"
    exit 0
fi
echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 - words on purpose
$as_root apt-get update -qq >/dev/null 2>&1
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 ||
    echo "could not install$missing; going on without"
exit 0
