// Cases of opening, naming, renaming and removing.
#include "fs/conformance_cases.h"

namespace lockstep::fs {

std::vector<Case> opening_cases() {
  return {
      {"missing file", [](Context& c) { return answer(c.root.open_file("a", OpenMode::read)); }, "ENOENT"},
      {"missing directory", [](Context& c) { return answer(c.root.open_directory("a")); }, "ENOENT"},
      {"file as directory",
       [](Context& c) {
         c.file("a");
         return answer(c.root.open_directory("a"));
       },
       "ENOTDIR"},
      {"directory through link",
       [](Context& c) {
         c.directory("d");
         c.link("d", "l");
         return answer(c.root.open_directory("l"));
       },
       "ENOTDIR"},
      {"file through link",
       [](Context& c) {
         c.file("a");
         c.link("a", "l");
         return answer(c.root.open_file("l", OpenMode::read));
       },
       "ELOOP"},
      {"create over link",
       [](Context& c) {
         c.link("a", "l");
         return answer(c.root.open_file("l", OpenMode::create_exclusive));
       },
       "EEXIST"},
      {"lock file is link",
       [](Context& c) {
         c.link("a", "l");
         return answer(c.root.open_file("l", OpenMode::create_or_open));
       },
       "ELOOP"},
      {"lock file is directory",
       [](Context& c) {
         c.directory("d");
         return answer(c.root.open_file("d", OpenMode::create_or_open));
       },
       "EISDIR"},
      {"create over file",
       [](Context& c) {
         c.file("a");
         return answer(c.root.open_file("a", OpenMode::create_exclusive));
       },
       "EEXIST"},
      {"create or open keeps content",
       [](Context& c) {
         c.file("a", "kept");
         return in_order({answer(c.root.open_file("a", OpenMode::create_or_open)), c.content("a")});
       },
       "ok kept"},
      {"reading a directory",
       [](Context& c) {
         c.directory("d");
         auto opened = c.root.open_file("d", OpenMode::read);
         std::array<char, 1> byte{};
         return in_order({answer(opened), answer((*opened)->read(byte))});
       },
       "ok EISDIR"},
      {"writing what is open for reading",
       [](Context& c) {
         c.file("a");
         auto opened = c.root.open_file("a", OpenMode::read);
         return answer((*opened)->write("x"));
       },
       "EBADF"},
      {"two components", [](Context& c) { return answer(c.root.open_file("a/b", OpenMode::read)); }, "EINVAL"},
      {"parent", [](Context& c) { return answer(c.root.open_directory("..")); }, "EINVAL"},
      {"empty name", [](Context& c) { return answer(c.root.make_directory("", 0755)); }, "EINVAL"},
      {"longest name", [](Context& c) { return answer(c.root.make_directory(std::string(255, 'n'), 0755)); }, "ok"},
      {"too long a name", [](Context& c) { return answer(c.root.make_directory(std::string(256, 'n'), 0755)); },
       "ENAMETOOLONG"},
      {"by path through links",
       [](Context& c) {
         Context::file_in(*c.directory("d"), "a", "inside");
         c.link("d", "l");
         auto opened = c.file_system.open_for_reading(c.path("l/a"));
         auto directory = c.file_system.open_directory(c.path("l/../l/."));
         return in_order({answer(opened), *read_all(**opened, 100), answer(directory),
                          (*directory)->path().substr(c.root.path().size())});
       },
       "ok inside ok /l/../l"},
      {"looping links",
       [](Context& c) {
         c.link("l", "l");
         return answer(c.file_system.open_for_reading(c.path("l")));
       },
       "ELOOP"},
      {"directory by path is file",
       [](Context& c) {
         c.file("a");
         return answer(c.file_system.open_directory(c.path("a")));
       },
       "ENOTDIR"},
      {"file as a step of a path",
       [](Context& c) {
         c.file("a");
         return answer(c.file_system.stat_path(c.path("a/b")));
       },
       "ENOTDIR"},
      {"real path",
       [](Context& c) {
         Context::file_in(*c.directory("d"), "a", "");
         c.link("d/a", "l");
         return c.file_system.real_path(c.path("./l"))->substr(c.file_system.real_path(c.root.path())->size());
       },
       "/d/a"},
      {"real path of a dangling link",
       [](Context& c) {
         c.link("d/a", "l");
         return answer(c.file_system.real_path(c.path("l")));
       },
       "ENOENT"},
      {"absolute path", [](Context& c) { return *c.file_system.absolute_path("//a/./b//../c/"); }, "/a/b/../c"},
      {"absolute path of nothing", [](Context& c) { return answer(c.file_system.absolute_path("")); }, "ENOENT"},
  };
}

std::vector<Case> naming_cases() {
  const auto rename = [](Context& c, const char* from, const char* to) {
    return answer(c.root.rename(from, c.root, to));
  };
  return {
      {"mkdir over link",
       [](Context& c) {
         c.link("x", "l");
         return answer(c.root.make_directory("l", 0755));
       },
       "EEXIST"},
      {"unlink missing", [](Context& c) { return answer(c.root.remove_file("a")); }, "ENOENT"},
      {"unlink directory",
       [](Context& c) {
         c.directory("d");
         return answer(c.root.remove_file("d"));
       },
       "EISDIR"},
      {"rmdir file",
       [](Context& c) {
         c.file("a");
         return answer(c.root.remove_directory("a"));
       },
       "ENOTDIR"},
      {"rmdir missing", [](Context& c) { return answer(c.root.remove_directory("a")); }, "ENOENT"},
      {"rmdir full",
       [](Context& c) {
         Context::file_in(*c.directory("d"), "a", "");
         return answer(c.root.remove_directory("d"));
       },
       "ENOTEMPTY"},
      {"rmdir empty",
       [](Context& c) {
         c.directory("d");
         return in_order({answer(c.root.remove_directory("d")), c.names()});
       },
       "ok "},
      {"creating in a removed directory",
       [](Context& c) {
         auto directory = c.directory("d");
         static_cast<void>(c.root.remove_directory("d"));
         return answer(directory->open_file("a", OpenMode::create_exclusive));
       },
       "ENOENT"},
      {"rename replaces",
       [=](Context& c) {
         c.file("a", "new");
         c.file("b", "old");
         return in_order({rename(c, "a", "b"), c.names(), c.content("b")});
       },
       "ok b:f new"},
      {"rename missing", [=](Context& c) { return rename(c, "a", "b"); }, "ENOENT"},
      {"rename onto itself",
       [=](Context& c) {
         c.file("a");
         return in_order({rename(c, "a", "a"), c.names()});
       },
       "ok a:f"},
      {"rename of a hard link onto the other",
       [=](Context& c) {
         c.file("a");
         static_cast<void>(c.root.make_link("a", c.root, "b"));
         return in_order({rename(c, "a", "b"), c.names()});
       },
       "ok a:f b:f"},
      {"rename file onto directory",
       [=](Context& c) {
         c.file("a");
         c.directory("d");
         return rename(c, "a", "d");
       },
       "EISDIR"},
      {"rename directory onto file",
       [=](Context& c) {
         c.file("a");
         c.directory("d");
         return rename(c, "d", "a");
       },
       "ENOTDIR"},
      {"rename directory onto empty",
       [=](Context& c) {
         c.directory("d");
         c.directory("e");
         return in_order({rename(c, "d", "e"), c.names()});
       },
       "ok e:d"},
      {"rename directory onto full",
       [=](Context& c) {
         c.directory("d");
         Context::file_in(*c.directory("e"), "a", "");
         return rename(c, "d", "e");
       },
       "ENOTEMPTY"},
      {"rename directory into itself",
       [](Context& c) {
         auto inner = c.directory("d");
         return answer(c.root.rename("d", *inner, "x"));
       },
       "EINVAL"},
      {"rename symlink over symlink",
       [=](Context& c) {
         c.link("old", "current");
         c.link("new", "temporary");
         return in_order({rename(c, "temporary", "current"), *c.root.read_symlink("current")});
       },
       "ok new"},
      {"rename between directories",
       [](Context& c) {
         auto inner = c.directory("d");
         c.file("a", "moved");
         return in_order({answer(c.root.rename("a", *inner, "b")), c.names(), *read_file(*inner, "b", 100)});
       },
       "ok d:d moved"},
      {"rename without replacing",
       [](Context& c) {
         c.file("a");
         c.file("b");
         return in_order({answer(c.root.rename_no_replace("a", c.root, "b")),
                          answer(c.root.rename_no_replace("a", c.root, "c")), c.names()});
       },
       "EEXIST ok b:f c:f"},
      {"exchange",
       [](Context& c) {
         c.file("a", "one");
         c.file("b", "two");
         return in_order({answer(c.root.exchange("a", "b")), c.names(), c.content("a"), c.content("b")});
       },
       "ok a:f b:f two one"},
      {"exchange with what is missing",
       [](Context& c) {
         c.file("a");
         return in_order({answer(c.root.exchange("a", "b")), answer(c.root.exchange("b", "a")), c.names()});
       },
       "ENOENT ENOENT a:f"},
      {"exchange of a hard link with the other",
       [](Context& c) {
         c.file("a");
         static_cast<void>(c.root.make_link("a", c.root, "b"));
         return in_order({answer(c.root.exchange("a", "b")), c.names()});
       },
       "ok a:f b:f"},
      {"exchange of file and link",
       [](Context& c) {
         c.file("a", "file");
         c.link("x", "l");
         return in_order({answer(c.root.exchange("a", "l")), c.names(), c.content("l")});
       },
       "ok a:l l:f file"},
      {"hard link",
       [](Context& c) {
         c.file("a");
         return in_order(
             {answer(c.root.make_link("a", c.root, "b")), std::to_string(c.root.stat_entry("b")->link_count)});
       },
       "ok 2"},
      {"hard link over file",
       [](Context& c) {
         c.file("a");
         c.file("b");
         return answer(c.root.make_link("a", c.root, "b"));
       },
       "EEXIST"},
      {"hard link of directory",
       [](Context& c) {
         c.directory("d");
         return answer(c.root.make_link("d", c.root, "b"));
       },
       "EPERM"},
      {"hard link of missing", [](Context& c) { return answer(c.root.make_link("a", c.root, "b")); }, "ENOENT"},
      {"symlink over file",
       [](Context& c) {
         c.file("a");
         return answer(c.root.make_symlink("x", "a"));
       },
       "EEXIST"},
      {"empty symlink", [](Context& c) { return answer(c.root.make_symlink("", "a")); }, "ENOENT"},
      {"readlink of file",
       [](Context& c) {
         c.file("a");
         return answer(c.root.read_symlink("a"));
       },
       "EINVAL"},
      {"list",
       [](Context& c) {
         c.file("a");
         c.directory("d");
         c.link("a", "l");
         return in_order({c.names(), c.names()});
       },
       "a:f d:d l:l a:f d:d l:l"},
  };
}

}  // namespace lockstep::fs
