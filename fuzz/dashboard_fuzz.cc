// The two files of the status service and what clients want changed in them: the first byte says which.
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "property.h"
#include "service/configuration_files.h"
#include "service/edits.h"

namespace {

using namespace lockstep;
using namespace lockstep::service;
using fuzz::require;

constexpr const char* kServers = R"([{"id": "a", "name": "Web", "ip": "192.0.2.1", "note": "kept"},
  {"id": "server-001", "name": "Mail", "dnsAddress": "mail.example.com", "port": 465}])";
constexpr const char* kLayout = R"({"theme": "dark", "groups": [
  {"id": "g", "name": "Front", "order": 1, "serverIds": ["a"], "rowNumber": 1, "rowOrder": 1},
  {"id": "group-1", "name": "Back", "order": 2, "serverIds": [], "rowNumber": 2, "rowOrder": 1, "x": [1]}]})";

// What is in force can be written, and what was written is read as the same.
void check_configuration(const Configuration& configuration) {
  const FileTexts texts{servers_text(configuration), layout_text(configuration)};
  const Configuration again = fuzz::must(parse_configuration(texts), "what was written can be read");
  require(servers_text(again) == *texts.servers, "the servers are read as they were written", *texts.servers);
  require(layout_text(again) == *texts.layout, "the groups are read as they were written", *texts.layout);
  require(entity_tag(again.servers) == entity_tag(configuration.servers), "the servers keep their tag", *texts.servers);
  require(entity_tag(again.groups) == entity_tag(configuration.groups), "the groups keep their tag", *texts.layout);
}

void check_files(const FileTexts& texts) {
  const auto parsed = parse_configuration(texts);
  if (parsed) {
    check_configuration(*parsed);
    return;
  }
  const std::string& message = parsed.error().message;
  require(message.starts_with(kServersFile) || message.starts_with(kLayoutFile), "an error names the file", message);
}

EditResult edit(unsigned char which, const Configuration& before, const nlohmann::ordered_json& body) {
  switch (which % 5) {
    case 0: return create_server(before, body);
    case 1: return replace_server(before, "a", entity_tag(before.servers.front()), body);
    case 2: return create_group(before, body);
    case 3: return replace_group(before, "g", entity_tag(before.groups.front()), body);
    default: return arrange_groups(before, entity_tag(before.groups), body);
  }
}

void check_edit(unsigned char which, std::string_view text) {
  static const Configuration before = parse_configuration({kServers, kLayout}).value();
  const auto body = parse_ordered_json(text, "The body", {.bytes = 64U * 1024U, .depth = 16});
  if (!body || !body->is_object()) return;
  const EditResult edited = edit(which, before, *body);
  if (!edited) {
    const int status = edited.error().status;
    require(status == 400 || status == 409, "a body that cannot be had is refused", std::to_string(status));
    require(!edited.error().error.empty(), "a refusal says why", "");
    for (const auto& [field, message] : edited.error().fields) require(!message.empty(), "each field's, too", field);
    return;
  }
  require(!edited->tag.empty(), "what was changed has a tag", edited->data);
  check_configuration(edited->after);
  for (const Change& change : changes_between(before, edited->after)) {
    require(!change.what.empty() && !change.id.empty(), "a change says what it is about", change.name);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string rest(fuzz::text_of(data, size).substr(1));
  switch (data[0] % 8) {
    case 0: check_files({rest, std::nullopt}); break;
    case 1: check_files({std::nullopt, rest}); break;
    case 2: check_files({std::string(kServers), rest}); break;
    default: check_edit(static_cast<unsigned char>(data[0] % 8 - 3), rest); break;
  }
  return 0;
}
