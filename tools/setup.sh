#!/usr/bin/env bash
# Installs what the named groups need (build, check, test, e2e, bench, probe) from Debian and npm; quick when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

packages_of() {
	case $1 in
	build)
		echo gcc libc6-dev meson ninja-build pkg-config libuv1-dev node-llhttp libjansson-dev libssl-dev libsqlite3-dev libpq-dev \
			libcurl4-openssl-dev libcmocka-dev ca-certificates
		# Another Node than Debian's brings its own npm; Debian's npm beside it would conflict.
		if ! command -v node >/dev/null || ! command -v npm >/dev/null; then echo nodejs npm; fi
		;;
	check) echo clang clang-format clang-tidy libclang-rt-14-dev llvm git ;;
	test) echo clang libclang-rt-14-dev llvm chromium postgresql coturn iproute2 nftables libnss3-tools prometheus strace procps \
		e2fsprogs xfsprogs ffmpeg python3-tuspy \
		libnice-dev pkg-config python3-aioice ;;
	probe) echo slowhttptest testssl.sh openssl curl ;;
	e2e) echo firefox-esr openssl pulseaudio ;;
	bench) echo nginx-light curl openssl ;;
	*)
		echo "setup: no group $1; there are build, check, test, e2e, bench and probe" >&2
		exit 2
		;;
	esac
}

# True where dpkg knows the package as fully installed.
installed() {
	[ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null)" = 'ii ' ]
}

missing_of() {
	local group package
	for group in "$@"; do
		for package in $(packages_of "$group"); do
			installed "$package" || echo "$package"
		done
	done | sort -u
}

apt() {
	local as_root=()
	if [ "$(id -u)" != 0 ]; then
		if ! command -v sudo >/dev/null; then
			echo "setup: these Debian packages are missing: $*" >&2
			echo "setup: become root and type: apt-get install --no-install-recommends $*" >&2
			exit 1
		fi
		as_root=(sudo)
	fi
	local log
	log=$(mktemp)
	printf 'setup: installing %d Debian packages: %s\n' $# "$*"
	if ! { "${as_root[@]}" apt-get -q update &&
		"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "$@"; } \
		>"$log" 2>&1 </dev/null; then
		tail -n 30 "$log" >&2
		echo "setup: apt-get failed; its whole output is in $log" >&2
		exit 1
	fi
	rm -f "$log"
}

debian() {
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		echo "setup: this is not Debian; make sure of the equivalents of: $(for g in "$@"; do packages_of "$g"; done | xargs)"
		return
	fi
	local missing
	missing=$(missing_of "$@")
	# shellcheck disable=SC2086
	[ -z "$missing" ] || apt $missing
}

# Runs a program quietly; its output is shown when it fails.
quietly() {
	local log
	log=$(mktemp)
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 30 "$log" >&2
		echo "setup: $* failed; its whole output is in $log" >&2
		exit 1
	fi
	rm -f "$log"
}

# Links .bin/node to the pinned Node (older npm does not by itself) or, on a processor for which there is none, to the
# system's if it is new enough.
link_node() {
	local node major
	for node in tools/runtime/node_modules/node-linux-*/bin/node; do
		if "$node" --version >/dev/null 2>&1; then
			ln -sf "../${node#tools/runtime/node_modules/}" tools/runtime/node_modules/.bin/node
			return
		fi
	done
	major=$(node -p 'process.versions.node.split(".")[0]')
	if [ "$major" -lt 22 ]; then
		echo "setup: the web tools need Node 22 or newer here; this machine has $(node --version)" >&2
		exit 1
	fi
	ln -sf "$(command -v node)" tools/runtime/node_modules/.bin/node
}

# Whatever the system has, the web tools run on the Node and the npm that tools/runtime pins.
runtime() {
	local stamp=tools/runtime/node_modules/.installed-lock
	cmp -s tools/runtime/package-lock.json $stamp && return
	echo "setup: installing the pinned Node and npm"
	quietly npm ci --prefix tools/runtime
	mkdir -p tools/runtime/node_modules/.bin
	link_node
	cp tools/runtime/package-lock.json $stamp
}

npm_packages() {
	local stamp=node_modules/.installed-lock
	[ -x node_modules/.bin/node ] && cmp -s package-lock.json $stamp && return
	echo "setup: installing npm packages from package-lock.json"
	quietly tools/npm ci
	ln -sf ../../tools/runtime/node_modules/.bin/node node_modules/.bin/node
	cp package-lock.json $stamp
}

# The real Prisma, large and for one test alone: apart from everything else. Its engines are not needed and not fetched.
prisma() {
	local stamp=tests/prisma/node_modules/.installed-lock
	cmp -s tests/prisma/package-lock.json $stamp && return
	echo "setup: installing Prisma for tests/prisma"
	quietly tools/npm ci --ignore-scripts --prefix tests/prisma
	cp tests/prisma/package-lock.json $stamp
}

debian "$@"
runtime
npm_packages
case " $* " in *" test "*) prisma ;; esac
