# The Debian packages that the project needs, by purpose, and how they are installed. Sourced by run, test and build.
build_packages="g++ cmake ninja-build ccache pkg-config libssl-dev nlohmann-json3-dev libcli11-dev libtomlplusplus-dev libcurl4-openssl-dev libboost1.81-dev libldns-dev libunistring-dev"
# The page of the status service is built with Node.js. One that did not come from Debian brings its npm along, and
# Debian's npm would not go with it.
command -v npm >/dev/null || build_packages+=" nodejs npm"
run_packages="openssl ca-certificates libcurl4 libunistring2"
test_packages="libgtest-dev libgmock-dev libbenchmark-dev python3 strace gnutls-bin nginx-light curl attr util-linux libfuse3-dev fuse3 e2fsprogs xfsprogs btrfs-progs pebble bind9 bind9-dnsutils"
# The page is looked at in a browser, which needs letters.
test_packages+=" chromium fonts-liberation"
deep_packages="clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev gcovr"
# Other people's tools, which tests/peers breaks in the same way as ours; only the deep tests install them.
peer_packages="lego certbot uacme"

# install_packages NAME...: installs what is missing; says so first. Needs root, or sudo.
install_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Error: these packages are missing, and there is no sudo to install them: ${missing[*]}" >&2; return 1; }
    as_root=(sudo)
  fi
  echo "== installing ${#missing[@]} packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  # A server that a package would start is none of ours to start: the tests run their own.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
