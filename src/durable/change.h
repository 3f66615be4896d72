// What a commit is to change. Members that are not named here are copied from the generation before.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "durable/snapshot.h"

namespace lockstep::durable {

// Where a member's new content is written to; it is hashed on the way.
class MemberSink {
 public:
  virtual ~MemberSink() = default;
  virtual Status write(std::string_view bytes) = 0;
  // Writes the member as the parent generation has it with its last `expected_end` replaced by `new_end`, in one pass
  // that also checks it against the parent's manifest. Errors: edited_by_hand (another checksum, or another end).
  virtual Status splice_end(std::string_view expected_end, std::string_view new_end) = 0;
  // Writes the member as the parent generation has it, unchanged and checked, and shows it to the observer in pieces.
  // The observer may run in another thread, one piece after the other; it has seen all when this returns success, and
  // what it saw is to be acted on only then.
  virtual Status copy_parent(const std::function<Status(std::string_view)>& observe) = 0;
  // Absolute path of the generation that is being made: for a member that names its own generation's files.
  [[nodiscard]] virtual const std::string& generation_path() const = 0;
};

using MemberWriter = std::function<Status(MemberSink&)>;

struct MemberChange {
  std::string name;
  MemberWriter write;                 // empty: the member is removed
  std::optional<std::uint32_t> mode;  // else that of the member before, else 0644
};

class Change {
 public:
  Change& put(std::string name, std::string bytes, std::optional<std::uint32_t> mode = {});
  Change& produce(std::string name, MemberWriter write, std::optional<std::uint32_t> mode = {});
  Change& remove(std::string name);
  // Makes durable what the change refers to outside of the store. Called once, when the whole generation is written and
  // its files are synced: one journal commit of the file system then carries both.
  Change& make_durable_with(std::function<Status()> sync);

  [[nodiscard]] const std::vector<MemberChange>& members() const { return members_; }
  [[nodiscard]] const MemberChange* find(std::string_view name) const;
  [[nodiscard]] const std::function<Status()>& companion_sync() const { return companion_sync_; }

 private:
  std::vector<MemberChange> members_;
  std::function<Status()> companion_sync_;
};

}  // namespace lockstep::durable
