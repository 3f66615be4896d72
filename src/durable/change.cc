#include "durable/change.h"

#include <algorithm>
#include <memory>

namespace lockstep::durable {

Change& Change::put(std::string name, std::string bytes, std::optional<std::uint32_t> mode) {
  const auto content = std::make_shared<const std::string>(std::move(bytes));
  return produce(std::move(name), [content](MemberSink& sink) { return sink.write(*content); }, mode);
}

Change& Change::produce(std::string name, MemberWriter write, std::optional<std::uint32_t> mode) {
  LOCKSTEP_CHECK(is_member_name(name) && find(name) == nullptr);
  members_.push_back({std::move(name), std::move(write), mode});
  return *this;
}

Change& Change::remove(std::string name) { return produce(std::move(name), nullptr); }

Change& Change::make_durable_with(std::function<Status()> sync) {
  companion_sync_ = std::move(sync);
  return *this;
}

const MemberChange* Change::find(std::string_view name) const {
  const auto found = std::find_if(members_.begin(), members_.end(), [&](const auto& m) { return m.name == name; });
  return found == members_.end() ? nullptr : &*found;
}

}  // namespace lockstep::durable
