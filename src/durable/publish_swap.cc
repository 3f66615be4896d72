// Putting a staged file in the place of another without losing what a person saves there in the same moment.
#include <cerrno>

#include "crypto/digest.h"
#include "durable/publish_internal.h"
#include "fs/io.h"

namespace lockstep::durable::publish_internal {

namespace {

constexpr std::size_t kFileLimit = 256U * 1024U * 1024U;
// Every further turn needs a person who saved within the microseconds of the one before.
constexpr int kMostTurns = 100;

// Is what the exchange displaced the file that was read, and does nobody write it any more? Who has it open for writing
// may have emptied it in this moment, or be about to. The lease holds back whoever comes now, and shows who has.
Result<bool> is_as_read(fs::Directory& directory, const std::string& staged, const std::string& expected) {
  auto file = directory.open_file(staged, fs::OpenMode::read);
  if (!file && file.error().system_errno == ELOOP) return false;  // a link is what a person put there
  if (!file) return fail(std::move(file).error());
  const fs::Stat stat = TRY((*file)->stat());
  if (stat.type != fs::FileType::regular) return false;
  const auto leased = (*file)->try_lease();  // an error: no leases here, or another user's file
  if (leased && !*leased) return false;
  const std::string content = TRY(fs::read_all(**file, kFileLimit));
  if (crypto::sha256_hex(content) != expected) return false;
  if (!leased) return true;
  const bool wanted = TRY((*file)->lease_is_wanted());
  return !wanted;
}

// Takes an exchange back that displaced what nobody knew: what a person saved gets its name again. Each exchange may
// displace something newer still, so what it displaced is looked at each time.
Status give_back(fs::Directory& directory, const std::string& staged, const std::string& name,
                 std::optional<std::string> put) {
  for (int turn = 0; turn < kMostTurns; ++turn) {
    const std::optional<std::string> held = TRY(checksum(directory, staged));
    TRY(directory.exchange(staged, name));
    const std::optional<std::string> displaced = TRY(checksum(directory, staged));
    if (displaced == put) return {};
    put = held;
  }
  return fail(ErrorCode::io_error, "'" + fs::join_path(directory.path(), name) + "' never stood still");
}

}  // namespace

Error edited(const fs::Directory& directory, const std::string& name) {
  return {ErrorCode::edited_by_hand,
          "'" + fs::join_path(directory.path(), name) + "' was changed by somebody else since it was read",
          "read it again, then make the change again", 0};
}

Result<std::optional<std::string>> checksum(fs::Directory& directory, const std::string& name) {
  auto file = directory.open_file(name, fs::OpenMode::read);
  if (!file) {
    if (file.error().system_errno == ENOENT) return std::optional<std::string>();
    // A link is what a person put there.
    if (file.error().system_errno == ELOOP) return std::optional<std::string>("");
    return fail(std::move(file).error());
  }
  const fs::Stat stat = TRY((*file)->stat());
  // Anything else is what a person put there: it matches no checksum of ours.
  if (stat.type != fs::FileType::regular) return std::optional<std::string>("");
  const std::string content = TRY(fs::read_all(**file, kFileLimit));
  return std::optional<std::string>(crypto::sha256_hex(content));
}

Status swap_in(fs::Directory& directory, const std::string& staged, const std::string& name,
               const std::string& expected, const std::string& placed) {
  const Status exchanged = directory.exchange(staged, name);
  if (!exchanged) {
    const int why = exchanged.error().system_errno;
    if (why == ENOENT) return fail(edited(directory, name));  // it was removed
    if (why != EINVAL && why != ENOSYS) return exchanged;
    // A file system without the exchange: the look and the rename are two calls, which is as near as they come.
    const std::optional<std::string> now = TRY(checksum(directory, name));
    if (now != expected) return fail(edited(directory, name));
    return directory.rename(staged, directory, name);
  }
  const auto as_read = is_as_read(directory, staged, expected);
  if (as_read && *as_read) return {};
  Status back = give_back(directory, staged, name, placed);
  if (!back) {
    return fail(ErrorCode::commit_uncertain,
                "what was saved to '" + fs::join_path(directory.path(), name) + "' meanwhile lies in '" + staged +
                    "' beside it and could not be put back: " + back.error().message,
                "run 'lockstep recover'");
  }
  if (!as_read) return fail(as_read.error());
  return fail(edited(directory, name));
}

Status put_new_guarded(fs::Directory& directory, const IntentTarget& target) {
  if (target.old_sha256)
    return swap_in(directory, target.temporary, target.name, *target.old_sha256, target.new_sha256);
  Status placed = put_new(directory, target);
  if (!placed && placed.error().system_errno == EEXIST) return fail(edited(directory, target.name));
  return placed;
}

Status check_expected(const fs::Directory& directory, const IntentTarget& target,
                      const std::optional<std::string>& expected) {
  if (!expected || *expected == target.old_sha256.value_or("")) return {};
  return fail(edited(directory, target.name));
}

}  // namespace lockstep::durable::publish_internal
