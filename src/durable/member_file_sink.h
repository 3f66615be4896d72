// A member's file while a commit fills it: what is written is hashed once, also where it is checked against the parent.
#pragma once

#include <string>

#include "crypto/digest.h"
#include "durable/change.h"

namespace lockstep::durable {

class MemberFileSink : public MemberSink {
 public:
  // `parent` is the generation that has the member already, or nullptr.
  MemberFileSink(fs::File& file, const std::string& generation_path, const std::string& name, const Snapshot* parent)
      : file_(file), generation_path_(generation_path), name_(name), parent_(parent) {}

  Status write(std::string_view bytes) override;
  Status splice_end(std::string_view expected_end, std::string_view new_end) override;
  Status copy_parent(const std::function<Status(std::string_view)>& observe) override;
  [[nodiscard]] const std::string& generation_path() const override { return generation_path_; }

  // An unchanged member is copied, never linked: an edit or a chmod through a link would reach the older generations.
  // Where blocks can be shared nothing is moved, and the source is only read to be checked.
  Status copy_unchanged();

  // The parent's member was read and is what its manifest says.
  [[nodiscard]] bool parent_checked() const { return parent_checked_; }

  // SHA-256 of the whole content. Once, at the end.
  std::string finish_hex();

 private:
  Status append(std::string_view bytes);
  Result<std::unique_ptr<fs::File>> open_parent();

  fs::File& file_;
  const std::string& generation_path_;
  const std::string& name_;
  const Snapshot* parent_;
  crypto::Sha256 digest_;
  std::string known_digest_;  // set when the content is the parent's
  bool parent_checked_ = false;
  std::uint64_t size_ = 0;
  std::uint64_t written_back_ = 0;
};

}  // namespace lockstep::durable
