#include "fs/posix_file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "fs/posix_descriptor.h"

namespace lockstep::fs {

using posix::Descriptor;
using posix::failed;
using posix::uninterrupted;

namespace {

struct Free {
  void operator()(char* text) const { std::free(text); }
};

// Without "." and empty components. ".." stays: what it means depends on links.
std::string without_empty_components(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    if (!component.empty() && component != ".") out.append("/").append(component);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return out.empty() ? "/" : out;
}

}  // namespace

Result<std::unique_ptr<Directory>> PosixFileSystem::open_directory(const std::string& path) {
  std::string absolute = TRY(absolute_path(path));
  Descriptor opened(uninterrupted([&] { return ::open(absolute.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (opened.get() < 0) return failed("open", absolute);
  return posix::make_directory_handle(std::move(opened), std::move(absolute));
}

Result<Stat> PosixFileSystem::stat_path(const std::string& path) {
  struct ::stat raw{};
  if (::lstat(path.c_str(), &raw) != 0) return failed("examine", path);
  return posix::to_stat(raw);
}

Result<std::string> PosixFileSystem::real_path(const std::string& path) {
  const std::unique_ptr<char, Free> resolved(::realpath(path.c_str(), nullptr));
  if (!resolved) return failed("resolve", path);
  return std::string(resolved.get());
}

Result<std::string> PosixFileSystem::absolute_path(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    errno = path.empty() ? ENOENT : EINVAL;
    return failed("resolve", path);
  }
  if (path.front() == '/') return without_empty_components(path);
  const std::unique_ptr<char, Free> here(::getcwd(nullptr, 0));
  if (!here) return failed("find the working directory for", path);
  return without_empty_components(std::string(here.get()) + "/" + path);
}

Result<std::unique_ptr<File>> PosixFileSystem::open_for_reading(const std::string& path) {
  Descriptor opened(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); }));
  if (opened.get() < 0) return failed("open", path);
  return posix::make_file(std::move(opened), path);
}

std::uint32_t PosixFileSystem::effective_user() const { return ::geteuid(); }

}  // namespace lockstep::fs
