#include "durable/intent.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json.h"
#include "crypto/digest.h"
#include "durable/temporary.h"
#include "fs/io.h"

namespace lockstep::durable {

namespace {

constexpr std::string_view kSuffix = ".lockstep-intent";

IntentTarget read_target(const nlohmann::json& item) {
  IntentTarget target;
  target.directory = item.at("directory").get<std::string>();
  target.name = item.at("name").get<std::string>();
  target.temporary = item.at("temporary").get<std::string>();
  target.backup = item.at("backup").get<std::string>();
  if (!item.at("old_sha256").is_null()) target.old_sha256 = item.at("old_sha256").get<std::string>();
  target.new_sha256 = item.at("new_sha256").get<std::string>();
  return target;
}

bool is_temporary_beside(const std::string& temporary, const IntentTarget& target) {
  return fs::is_single_component(temporary) && is_temporary_of(temporary, target.name);
}

// As a publish resolves it: absolute, and without a second name for any directory.
bool is_resolved(std::string_view path) {
  if (path == "/") return true;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::string_view component = path.substr(0, path.find('/'));
    if (!fs::is_single_component(component)) return false;
    path.remove_prefix(component.size());
    if (path.empty()) return true;
  }
  return false;
}

// What recovery is allowed to touch: the named targets, and temporaries that belong to them.
bool is_sound(const IntentTarget& target) {
  const bool backup_sound = target.old_sha256 ? is_temporary_beside(target.backup, target) : target.backup.empty();
  return is_resolved(target.directory) && fs::is_single_component(target.name) &&
         is_temporary_beside(target.temporary, target) && backup_sound &&
         (!target.old_sha256 || crypto::is_sha256_hex(*target.old_sha256)) && crypto::is_sha256_hex(target.new_sha256);
}

// No name stands for two things: what one target was given would be lost to the other.
bool names_differ(const std::vector<IntentTarget>& targets) {
  std::set<std::pair<std::string_view, std::string_view>> names;
  return std::ranges::all_of(targets, [&](const IntentTarget& target) {
    return names.emplace(target.directory, target.name).second &&
           names.emplace(target.directory, target.temporary).second &&
           (target.backup.empty() || names.emplace(target.directory, target.backup).second);
  });
}

}  // namespace

std::string intent_name(std::string_view first_target) {
  constexpr std::size_t kLongest = 200;
  return "." + std::string(first_target.substr(0, kLongest)) + std::string(kSuffix);
}

bool is_intent_name(std::string_view name) {
  return name.size() > kSuffix.size() + 1 && name.front() == '.' && name.ends_with(kSuffix);
}

std::string encode_intent(const Intent& intent) {
  nlohmann::ordered_json targets = nlohmann::ordered_json::array();
  for (const IntentTarget& target : intent.targets) {
    nlohmann::ordered_json old = nullptr;
    if (target.old_sha256) old = *target.old_sha256;
    targets.push_back({{"directory", target.directory},
                       {"name", target.name},
                       {"temporary", target.temporary},
                       {"backup", target.backup},
                       {"old_sha256", old},
                       {"new_sha256", target.new_sha256}});
  }
  nlohmann::ordered_json document = {{"schema", 1},
                                     {"state", intent.state == IntentState::commit ? "commit" : "abort"}};
  if (intent.keep_edits) document["keep_edits"] = true;
  document["targets"] = std::move(targets);
  return document.dump(2) + "\n";
}

Result<Intent> parse_intent(std::string_view text, std::string_view name) {
  const auto damaged = [&](const std::string& why) {
    return fail(ErrorCode::damaged, "'" + std::string(name) + "' is not a valid intent record: " + why,
                "look at the files it was made for, then remove it");
  };
  const auto document = parse_json(text, name, {.bytes = kIntentLimit, .depth = 5});
  if (!document) return damaged(document.error().message);
  try {
    Intent intent;
    if (json_unsigned(document->at("schema"), 1) != 1) return damaged("its schema is not 1");
    const auto state = document->at("state").get<std::string>();
    if (state != "commit" && state != "abort") return damaged("unknown state '" + state + "'");
    intent.state = state == "commit" ? IntentState::commit : IntentState::abort;
    if (document->contains("keep_edits")) intent.keep_edits = document->at("keep_edits").get<bool>();
    for (const auto& item : document->at("targets")) {
      if (intent.targets.size() == kIntentTargets) return damaged("too many targets");
      intent.targets.push_back(read_target(item));
      if (!is_sound(intent.targets.back())) return damaged("a name or checksum that no publish would have written");
    }
    if (intent.targets.empty()) return damaged("no targets");
    if (!names_differ(intent.targets)) return damaged("a name that stands for two files");
    return intent;
  } catch (const std::exception&) {
    return damaged("a field is missing or of the wrong type");
  }
}

}  // namespace lockstep::durable
