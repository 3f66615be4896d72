// Calls of the seam and the answers that every implementation must give: for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "fs/io.h"

namespace lockstep::fs {

template <class T>
std::string answer(const Result<T>& result) {
  if (result) return "ok";
  const char* name = ::strerrorname_np(result.error().system_errno);
  return name == nullptr ? "?" : name;
}

// A braced list is evaluated from left to right, unlike the operands of +.
inline std::string in_order(std::initializer_list<std::string> answers) {
  std::string out;
  for (const std::string& each : answers) out += (out.empty() ? "" : " ") + each;
  return out;
}

struct Context {
  FileSystem& file_system;
  Directory& root;  // empty at the start

  [[nodiscard]] std::string path(const std::string& name) const { return join_path(root.path(), name); }
  void file(const std::string& name, std::string_view content = "content") const { file_in(root, name, content); }
  static void file_in(Directory& directory, const std::string& name, std::string_view content) {
    auto made = directory.open_file(name, OpenMode::create_exclusive, 0644);
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_TRUE(write_all(**made, content));
    ASSERT_TRUE((*made)->sync());
    ASSERT_TRUE((*made)->close());
  }
  std::unique_ptr<Directory> directory(const std::string& name) const {
    static_cast<void>(root.make_directory(name, 0755));
    auto opened = root.open_directory(name);
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }
  void link(const std::string& target, const std::string& name) const { ASSERT_TRUE(root.make_symlink(target, name)); }
  [[nodiscard]] std::string content(const std::string& name) const {
    const auto read = read_file(root, name, 1000);
    return read ? *read : answer(read);
  }
  [[nodiscard]] std::string names() const {
    auto list = root.list();
    if (!list) return answer(list);
    std::ranges::sort(*list, {}, &DirectoryEntry::name);
    std::string out;
    for (const DirectoryEntry& entry : *list) {
      constexpr std::string_view kTypes = "fdlo";
      out += (out.empty() ? "" : " ") + entry.name + ":" + kTypes[static_cast<std::size_t>(entry.type)];
    }
    return out;
  }
};

struct Case {
  const char* name;
  std::function<std::string(Context&)> act;
  const char* expected;
};

std::vector<Case> opening_cases();
std::vector<Case> naming_cases();
std::vector<Case> content_cases();

}  // namespace lockstep::fs
