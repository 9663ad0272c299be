#!/usr/bin/env bash
# Builds the server into build/ and the demo page into apps/demo/dist; does only what changed.
set -euo pipefail
cd "$(dirname "$0")/.."

quiet=--quiet
[ -t 1 ] && quiet=

[ -f build/build.ninja ] || {
	echo "build: configuring"
	meson setup build >build-setup.log 2>&1 || {
		cat build-setup.log >&2
		rm -f build-setup.log
		exit 1
	}
	rm -f build-setup.log
}
echo "build: server"
ninja -C build $quiet

# The page is built anew when any of its sources is newer than the last build.
stamp=build/page.stamp
page_is_old() {
	[ -f apps/demo/dist/index.html ] && [ -f apps/console/dist/index.html ] && [ -f $stamp ] || return 0
	[ -n "$(find packages apps package-lock.json README.md \( -name node_modules -o -name dist \) -prune -o \
		-type f -newer $stamp -print -quit)" ]
}

if [ -f apps/demo/package.json ] && page_is_old; then
	echo "build: packages and demo"
	touch $stamp.new
	if ! tools/npm run build --workspaces --if-present >build/page.log 2>&1 </dev/null; then
		tail -n 60 build/page.log >&2
		echo "build: the page could not be built; the whole output is in build/page.log" >&2
		exit 1
	fi
	mv $stamp.new $stamp
fi
