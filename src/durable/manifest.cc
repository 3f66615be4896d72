#include "durable/manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json.h"
#include "crypto/digest.h"

namespace lockstep::durable {

namespace {

using nlohmann::ordered_json;

std::string octal(std::uint32_t mode) {
  std::string digits;
  for (std::uint32_t rest = mode & 07777U; rest != 0; rest >>= 3U) {
    digits.insert(digits.begin(), static_cast<char>('0' + (rest & 7U)));
  }
  return "0" + digits;
}

bool parse_octal(const std::string& text, std::uint32_t* mode) {
  if (text.empty() || text.size() > 5 || text[0] != '0') return false;
  std::uint32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return false;
    value = value * 8 + static_cast<std::uint32_t>(c - '0');
  }
  *mode = value;
  return value <= 07777U;
}

// Reads the fields; every nlohmann exception (a missing key, a wrong type) means the same: not our manifest.
Manifest read_fields(const nlohmann::json& document) {
  Manifest manifest;
  manifest.kind = document.at("kind").get<std::string>();
  manifest.generation = json_unsigned(document.at("generation"), kLargestGeneration);
  manifest.parent = json_unsigned(document.at("parent"), kLargestGeneration);
  manifest.highest = json_unsigned(document.at("highest"), kLargestGeneration);
  for (const auto& kept : document.at("history")) manifest.history.push_back(json_unsigned(kept, kLargestGeneration));
  const auto created = parse_rfc3339(document.at("created_at").get<std::string>());
  manifest.created_at = created.value();
  for (const auto& item : document.at("members")) {
    ManifestMember member;
    member.name = item.at("name").get<std::string>();
    member.size = json_unsigned(item.at("size"), INT64_MAX);
    member.sha256 = item.at("sha256").get<std::string>();
    if (!parse_octal(item.at("mode").get<std::string>(), &member.mode)) throw std::out_of_range("mode");
    member.uid = static_cast<std::uint32_t>(json_unsigned(item.at("uid"), UINT32_MAX));
    member.gid = static_cast<std::uint32_t>(json_unsigned(item.at("gid"), UINT32_MAX));
    manifest.members.push_back(std::move(member));
  }
  return manifest;
}

// Each once, none of them 0, in order.
bool ascend(const std::vector<Generation>& generations) {
  return std::ranges::adjacent_find(generations, std::ranges::greater_equal()) == generations.end() &&
         (generations.empty() || generations[0] != 0);
}

// The first rule that the manifest breaks, or an empty text.
std::string broken_rule(const Manifest& manifest) {
  if (manifest.generation == 0) return "generation 0 does not exist";
  if (manifest.parent >= manifest.generation) return "the parent is not an older generation";
  if (manifest.highest < manifest.generation) return "'highest' is below the generation itself";
  if (!ascend(manifest.history)) return "'history' is not ascending";
  if (!manifest.history.empty() && manifest.history.back() >= manifest.generation) {
    return "'history' has a generation that was not made before";
  }
  if (manifest.members.size() > kMemberLimit) return "too many members";
  std::set<std::string_view> names;
  for (const ManifestMember& member : manifest.members) {
    if (!is_member_name(member.name)) return "a member with a name that is not allowed";
    if (!names.insert(member.name).second) return "the member '" + member.name + "' stands twice";
    if (!crypto::is_sha256_hex(member.sha256)) return "the member '" + member.name + "' has no SHA-256";
  }
  return {};
}

}  // namespace

const ManifestMember* Manifest::find(std::string_view name) const {
  const auto found = std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.name == name; });
  return found == members.end() ? nullptr : &*found;
}

std::string encode_manifest(const Manifest& manifest) {
  ordered_json members = ordered_json::array();
  for (const ManifestMember& member : manifest.members) {
    members.push_back({{"name", member.name},
                       {"size", member.size},
                       {"sha256", member.sha256},
                       {"mode", octal(member.mode)},
                       {"uid", member.uid},
                       {"gid", member.gid}});
  }
  const ordered_json document = {{"schema", 1},
                                 {"kind", manifest.kind},
                                 {"generation", manifest.generation},
                                 {"parent", manifest.parent},
                                 {"highest", manifest.highest},
                                 {"history", manifest.history},
                                 {"created_at", format_rfc3339(manifest.created_at)},
                                 {"members", members}};
  return document.dump(2) + "\n";
}

Result<Manifest> parse_manifest(std::string_view text, std::string_view name) {
  const auto damaged = [&](const std::string& why) {
    return fail(ErrorCode::damaged, "'" + std::string(name) + "' is not a valid manifest: " + why);
  };
  const auto document = parse_json(text, name, {.bytes = kManifestLimit, .depth = 6});
  if (!document) return damaged(document.error().message);
  try {
    if (json_unsigned(document->at("schema"), 1) != 1) return damaged("its schema is not 1");
    Manifest manifest = read_fields(*document);
    const std::string broken = broken_rule(manifest);
    if (!broken.empty()) return damaged(broken);
    return manifest;
  } catch (const std::exception& error) {
    return damaged("a field is missing or of the wrong type");
  }
}

std::string encode_history(const History& history) {
  const nlohmann::ordered_json document = {{"schema", 1}, {"kept", history.kept}, {"highest", history.highest}};
  return document.dump() + "\n";
}

Result<History> parse_history(std::string_view text, std::string_view name) {
  const auto document = parse_json(text, name, {.bytes = kHistoryLimit, .depth = 3});
  try {
    if (!document) throw std::runtime_error("not JSON");
    if (json_unsigned(document->at("schema"), 1) != 1) throw std::runtime_error("another schema");
    History history;
    for (const auto& generation : document->at("kept")) {
      history.kept.push_back(json_unsigned(generation, kLargestGeneration));
    }
    history.highest = json_unsigned(document->at("highest"), kLargestGeneration);
    const Generation last = history.kept.empty() ? 0 : history.kept.back();
    if (!ascend(history.kept) || last > history.highest) throw std::runtime_error("not in order");
    return history;
  } catch (const std::exception&) {
    return fail(ErrorCode::damaged, "'" + std::string(name) + "' is not a list of generations",
                "run 'lockstep doctor --repair'");
  }
}

}  // namespace lockstep::durable
