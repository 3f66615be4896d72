// Cases of contents, attributes and locks.
#include "fs/conformance_cases.h"

namespace lockstep::fs {

std::vector<Case> content_cases() {
  return {
      {"lease",
       [](Context& c) {
         c.file("a");
         // Where a file system has no leases, there is nothing to compare.
         const auto lease = [](File& file, const char* otherwise) -> std::string {
           const auto taken = file.try_lease();
           return taken ? (*taken ? "held" : "refused") : otherwise;
         };
         const auto reading = c.root.open_file("a", OpenMode::read);
         const std::string alone = lease(**reading, "held");
         const bool wanted = alone == "held" && (*reading)->lease_is_wanted().value_or(false);
         static_cast<void>((*reading)->close());
         const auto writing = c.root.open_file("a", OpenMode::create_or_open);
         const auto again = c.root.open_file("a", OpenMode::read);
         return in_order({alone, wanted ? "wanted" : "quiet", lease(**again, "refused")});
       },
       "held quiet refused"},
      {"stat",
       [](Context& c) {
         c.file("a", "12345");
         const Stat stat = *c.root.stat_entry("a");
         return std::to_string(stat.size) + " " + std::to_string(stat.mode) + " " + std::to_string(stat.link_count);
       },
       "5 420 1"},
      {"stat of a link",
       [](Context& c) {
         c.link("target", "l");
         const Stat stat = *c.root.stat_entry("l");
         return std::to_string(stat.size) + " " + std::to_string(stat.type == FileType::symlink);
       },
       "6 1"},
      {"umask and fchmod",
       [](Context& c) {
         auto file = c.root.open_file("a", OpenMode::create_exclusive, 0666);
         const auto made = (*file)->stat()->mode;
         const std::string changed = answer((*file)->change_mode(0666));
         return std::to_string(made) + " " + changed + " " + std::to_string((*file)->stat()->mode);
       },
       "420 ok 438"},
      {"an unlinked file lives while open",
       [](Context& c) {
         auto file = c.root.open_file("a", OpenMode::create_exclusive);
         static_cast<void>((*file)->write("alive"));
         static_cast<void>(c.root.remove_file("a"));
         static_cast<void>((*file)->seek(0));
         return in_order(
             {*read_all(**file, 100), std::to_string((*file)->stat()->link_count), answer((*file)->sync())});
       },
       "alive 0 ok"},
      {"write after seek leaves zeros",
       [](Context& c) {
         auto file = c.root.open_file("a", OpenMode::create_exclusive);
         static_cast<void>((*file)->seek(3));
         static_cast<void>((*file)->write("x"));
         return c.content("a") == std::string("\0\0\0x", 4) ? "zeros" : "other";
       },
       "zeros"},
      {"copy",
       [](Context& c) {
         c.file("a", "copied");
         auto from = c.root.open_file("a", OpenMode::read);
         auto to = c.root.open_file("b", OpenMode::create_exclusive);
         return in_order({answer(copy_bytes(**from, **to, 6)), c.content("b")});
       },
       "ok copied"},
      {"locks",
       [](Context& c) {
         auto first = c.root.open_file("a", OpenMode::create_or_open);
         auto second = c.root.open_file("a", OpenMode::create_or_open);
         std::string out;
         out += *(*first)->try_lock(LockKind::shared) ? "1" : "0";
         out += *(*second)->try_lock(LockKind::shared) ? "1" : "0";
         out += *(*second)->try_lock(LockKind::exclusive) ? "1" : "0";
         out += *(*first)->try_lock(LockKind::exclusive) ? "1" : "0";  // the failed attempt gave up the shared one
         out += *(*second)->try_lock(LockKind::shared) ? "1" : "0";
         static_cast<void>((*first)->close());
         out += *(*second)->try_lock(LockKind::exclusive) ? "1" : "0";
         return out;
       },
       "110101"},
      {"lock of a directory",
       [](Context& c) {
         auto first = c.directory("d");
         auto second = c.directory("d");
         std::string out = *first->try_lock(LockKind::exclusive) ? "1" : "0";
         out += *second->try_lock(LockKind::exclusive) ? "1" : "0";
         first.reset();
         return out + (*second->try_lock(LockKind::exclusive) ? "1" : "0");
       },
       "101"},
      {"attributes",
       [](Context& c) -> std::string {
         auto file = c.root.open_file("a", OpenMode::create_exclusive);
         const auto set = (*file)->set_attribute("user.note", "value");
         if (!set && set.error().system_errno == EOPNOTSUPP) return "ok value ENODATA";  // not on this file system
         return in_order(
             {answer(set), *(*file)->get_attribute("user.note"), answer((*file)->get_attribute("user.other"))});
       },
       "ok value ENODATA"},
      {"sync of all kinds",
       [](Context& c) {
         c.file("a");
         auto file = c.root.open_file("a", OpenMode::read);
         return in_order({answer(c.root.sync()), answer((*file)->sync()), answer((*file)->start_writeback())});
       },
       "ok ok ok"},
  };
}

}  // namespace lockstep::fs
