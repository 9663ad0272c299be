#!/usr/bin/env bash
# Installs what the named groups need (build, check, test) from Debian and npm; quick when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

packages_of() {
	case $1 in
	build)
		echo gcc libc6-dev meson ninja-build pkg-config libuv1-dev node-llhttp libjansson-dev libssl-dev libsqlite3-dev \
			libcmocka-dev ca-certificates
		# Another Node than Debian's brings its own npm; Debian's npm beside it would conflict.
		if ! command -v node >/dev/null || ! command -v npm >/dev/null; then echo nodejs npm; fi
		;;
	check) echo clang clang-format clang-tidy libclang-rt-14-dev llvm git ;;
	test) echo clang libclang-rt-14-dev llvm chromium coturn iproute2 nftables libnss3-tools strace procps ;;
	*)
		echo "setup: no group $1; there are build, check and test" >&2
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

# The web tools run on the Node that the lock file pins (npm packages node-linux-*), whatever the system has.
npm_packages() {
	local stamp=node_modules/.installed-lock
	if [ -x node_modules/.bin/node ] && cmp -s package-lock.json "$stamp"; then return; fi
	echo "setup: installing npm packages from package-lock.json"
	local log
	log=$(mktemp)
	if ! npm ci --no-audit --no-fund >"$log" 2>&1 </dev/null; then
		tail -n 30 "$log" >&2
		echo "setup: npm ci failed; its whole output is in $log" >&2
		exit 1
	fi
	rm -f "$log"
	link_node
	cp package-lock.json "$stamp"
}

# node_modules/.bin/node: the pinned one (older npm does not link it by itself), or, on a processor for which there
# is none, the system's if it is new enough.
link_node() {
	local node major
	for node in node_modules/node-linux-*/bin/node; do
		if "$node" --version >/dev/null 2>&1; then
			ln -sf "../${node#node_modules/}" node_modules/.bin/node
			return
		fi
	done
	major=$(node -p 'process.versions.node.split(".")[0]')
	if [ "$major" -lt 22 ]; then
		echo "setup: the web tools need Node 22 or newer here; this machine has $(node --version)" >&2
		exit 1
	fi
	ln -sf "$(command -v node)" node_modules/.bin/node
}

debian "$@"
npm_packages
