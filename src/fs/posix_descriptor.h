// Shared by the POSIX form's files only: what owns a descriptor, and how a failed call is reported.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "fs/file_system.h"

struct stat;  // <sys/stat.h>

namespace lockstep::fs::posix {

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;

  [[nodiscard]] int get() const { return number_; }
  // Gives up ownership.
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

// Makes a system call again for as long as a signal interrupts it.
template <class Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

// The error of the call that has just failed: "cannot VERB 'PATH': …".
std::unexpected<Error> failed(std::string_view verb, const std::string& path);
// The same for a call with two names.
std::unexpected<Error> failed(std::string_view verb, const std::string& path, std::string_view joint,
                              const std::string& other);

Stat to_stat(const struct ::stat& raw);
Result<Stat> stat_descriptor(int descriptor, const std::string& path);
Status sync_descriptor(int descriptor, const std::string& path);
Status change_descriptor_mode(int descriptor, const std::string& path, std::uint32_t mode);
Status change_descriptor_owner(int descriptor, const std::string& path, std::uint32_t uid, std::uint32_t gid);
Result<bool> try_lock_descriptor(int descriptor, const std::string& path, LockKind kind);

std::unique_ptr<File> make_file(Descriptor descriptor, std::string path);
std::unique_ptr<Directory> make_directory_handle(Descriptor descriptor, std::string path);

}  // namespace lockstep::fs::posix
