// Repair of a generation store: what is damaged gives way, and is set aside instead of removed.
#include <algorithm>
#include <cerrno>

#include "durable/damage.h"
#include "durable/generation_store.h"
#include "durable/set_aside.h"
#include "durable/temporary.h"
#include "fs/io.h"

namespace lockstep::durable {

Result<Snapshot> StoreWriter::open_generation(Generation generation) const {
  return Snapshot::open_generation(*control_, generation);
}

Result<std::optional<std::string>> StoreWriter::remains(Generation generation, const std::string& member,
                                                        std::size_t limit) const {
  const auto snapshot = TRY(unless_damaged(open_generation(generation)));
  if (snapshot) {
    if (!snapshot->has(member)) return std::optional<std::string>();
    return unless_damaged(snapshot->read(member, limit));
  }
  const auto directory = TRY(unless_damaged(control_->open_directory(generation_name(generation))));
  if (!directory) return std::optional<std::string>();
  return unless_damaged(fs::read_file(**directory, member, limit));
}

void StoreWriter::set_base(std::optional<Snapshot> base) {
  current_.reset();
  if (base) current_.emplace(std::move(*base));
  current_edited_ = false;  // that was said of the generation before
}

void StoreWriter::set_group(std::optional<std::uint32_t> group) {
  options_.group = group;
  if (group) options_.directory_mode &= ~0007U;
}

Status StoreWriter::note_set_aside(const std::string& name, const std::string& why, std::vector<std::string>* done) {
  const std::string path = TRY(set_aside(*control_, name));
  done->push_back("'" + name + "' " + why + ": it was set aside as '" + path + "'");
  return {};
}

Status StoreWriter::prepare_repair(std::vector<std::string>* done) {
  if (history_damaged_) {
    const fs::Stat stat = TRY(control_->stat_entry(kHistoryFile));
    const std::string path = TRY(stat.type == fs::FileType::directory ? set_aside(*control_, kHistoryFile)
                                                                      : keep_aside(*control_, *control_, kHistoryFile));
    done->push_back("the damaged record of kept generations was set aside as '" + path + "'");
    TRY(record_history());
    history_damaged_ = false;
    done->emplace_back("the record of kept generations was written anew");
  }
  if (pointer_wrong_) {
    const fs::Stat stat = TRY(control_->stat_entry(kCurrentPointer));
    // Nothing can be renamed over a directory.
    const bool directory = stat.type == fs::FileType::directory;
    const std::string path =
        TRY(directory ? set_aside(*control_, kCurrentPointer) : keep_aside(*control_, *control_, kCurrentPointer));
    pointer_wrong_ = false;
    done->push_back("'" + std::string(kCurrentPointer) + "' was no link to a generation: it was set aside as '" + path +
                    "'");
  }
  return {};
}

Result<bool> StoreWriter::is_intact(Generation generation) const {
  const auto snapshot = TRY(unless_damaged(open_generation(generation)));
  if (!snapshot || snapshot->manifest().kind != options_.kind) return false;
  return is_whole(snapshot->verify());
}

Status StoreWriter::settle_pending(std::vector<std::string>* done) {
  const bool there = TRY(fs::entry_exists(*control_, kPendingPointer));
  if (!there) return {};
  bool intact = false;
  if (pending_) intact = TRY(is_intact(*pending_));
  if (intact) return {};
  TRY(note_set_aside(kPendingPointer, "names no whole generation", done));
  pending_.reset();
  return {};
}

Status StoreWriter::settle_entry(const fs::DirectoryEntry& entry, std::vector<std::string>* done) {
  const auto generation = parse_generation_name(entry.name);
  if (generation) {
    if (generation == live_ || generation == pending_) return {};
    const bool ours = TRY(holds_files_alone(*control_, entry.name));
    bool intact = false;
    if (ours) intact = TRY(is_intact(*generation));
    if (intact) return {};
    TRY(note_set_aside(entry.name, ours ? "is damaged" : "is not what the store makes under this name", done));
    std::erase(history_, *generation);
    return {};
  }
  const fs::FileType type = TRY(control_->stat_entry(entry.name)).type;
  bool ours = true;
  if (entry.name == kDraftDirectory) ours = type == fs::FileType::directory;
  if (temporary_owner(entry.name)) {
    ours = type != fs::FileType::other;
    if (type == fs::FileType::directory) ours = TRY(holds_files_alone(*control_, entry.name));
  }
  if (ours) return {};
  return note_set_aside(entry.name, "is not what the store makes under this name", done);
}

Status StoreWriter::settle_foreign_names(std::vector<std::string>* done) {
  const StableNames names = TRY(examine_stable_names(*store_, current_->manifest()));
  for (const std::string& name : names.foreign) {
    const fs::Stat stat = TRY(store_->stat_entry(name));
    // A directory cannot be in two places for a moment, and may be anything: it stays, and the doctor says so.
    if (stat.type == fs::FileType::directory) continue;
    const std::string path = TRY(keep_aside(*store_, *control_, name));
    TRY(put_links({name}));
    done->push_back("'" + name + "' was not the store's link: it was set aside as '" + path + "'");
  }
  return {};
}

Status StoreWriter::set_aside_damage(std::vector<std::string>* done) {
  TRY(prepare_repair(done));
  TRY(settle_pending(done));
  const std::vector<fs::DirectoryEntry> entries = TRY(control_->list());
  for (const fs::DirectoryEntry& entry : entries) {
    if (!is_set_aside_name(entry.name)) TRY(settle_entry(entry, done));
  }
  return settle_foreign_names(done);
}

}  // namespace lockstep::durable
