#include "durable/member_file_sink.h"

#include "durable/piece_fan_out.h"
#include "fs/io.h"

namespace lockstep::durable {

namespace {
// Write-back of a large member is started while its rest is still being made, so that the fsync finds little to do.
constexpr std::uint64_t kWritebackInterval = 4U * 1024U * 1024U;
constexpr std::uint64_t kWorthThreads = 4U * 1024U * 1024U;  // bytes; below, starting threads costs more than it saves
}  // namespace

Status MemberFileSink::append(std::string_view bytes) {
  size_ += bytes.size();
  TRY(fs::write_all(file_, bytes));
  if (size_ - written_back_ >= kWritebackInterval) {
    written_back_ = size_;
    TRY(file_.start_writeback());
  }
  return {};
}

Status MemberFileSink::write(std::string_view bytes) {
  LOCKSTEP_CHECK(known_digest_.empty());
  digest_.update(bytes);
  return append(bytes);
}

Result<std::unique_ptr<fs::File>> MemberFileSink::open_parent() {
  LOCKSTEP_CHECK(parent_ != nullptr && size_ == 0);
  std::unique_ptr<fs::File> source = TRY(parent_->open_member(name_));
  const fs::Stat stat = TRY(source->stat());
  if (stat.type != fs::FileType::regular || stat.size != parent_->manifest().find(name_)->size) {
    return fail(parent_->edited(name_));
  }
  return source;
}

Status MemberFileSink::splice_end(std::string_view expected_end, std::string_view new_end) {
  const std::unique_ptr<fs::File> source = TRY(open_parent());
  const ManifestMember* member = parent_->manifest().find(name_);
  if (member->size < expected_end.size()) return fail(parent_->edited(name_));
  // Old and new content begin alike: their digests part only where the end is replaced.
  std::uint64_t left = member->size - expected_end.size();
  std::string end;
  TRY(fs::read_pieces(*source, [&](std::string_view piece) -> Status {
    const auto common = static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size()));
    digest_.update(piece.substr(0, common));
    left -= common;
    end.append(piece.substr(common));
    return append(piece.substr(0, common));
  }));
  crypto::Sha256 old_digest = digest_;
  old_digest.update(end);
  if (end != expected_end || old_digest.finish_hex() != member->sha256) return fail(parent_->edited(name_));
  parent_checked_ = true;
  return write(new_end);
}

Status MemberFileSink::copy_parent(const std::function<Status(std::string_view)>& observe) {
  const std::unique_ptr<fs::File> source = TRY(open_parent());
  const bool shared = file_.clone_from(*source).has_value();
  const PieceConsumer copy = [&](std::string_view piece) { return shared ? Status() : append(piece); };
  const PieceConsumer hash = [&](std::string_view piece) {
    digest_.update(piece);
    return Status();
  };
  if (parent_->manifest().find(name_)->size >= kWorthThreads) {
    TRY(fan_out_pieces(*source, copy, {hash, observe}));
  } else {
    TRY(fs::read_pieces(*source, [&](std::string_view piece) -> Status {
      TRY(hash(piece));
      TRY(copy(piece));
      return observe(piece);
    }));
  }
  known_digest_ = digest_.finish_hex();
  if (known_digest_ != parent_->manifest().find(name_)->sha256) return fail(parent_->edited(name_));
  parent_checked_ = true;
  return {};
}

Status MemberFileSink::copy_unchanged() {
  return copy_parent([](std::string_view) { return Status(); });
}

std::string MemberFileSink::finish_hex() { return known_digest_.empty() ? digest_.finish_hex() : known_digest_; }

}  // namespace lockstep::durable
