// What strangers send to `ca serve`, and the lists that it keeps: the first byte says which.
#include "ca/records.h"
#include "issuing/documents.h"
#include "property.h"

namespace {

using namespace lockstep;
using fuzz::require;

void check_application(std::string_view input) {
  const issuing::ParsedApplication parsed = issuing::parse_application(input, "");
  if (!parsed.application) {
    require(parsed.refusal.status == 400, "what is no application is answered with 400",
            std::to_string(parsed.refusal.status));
    return;
  }
  const std::string id = ca::application_id(*parsed.application);
  require(issuing::is_request_id(id), "an application has an id", id);
  require(parsed.application->token_hash.empty() || parsed.application->token_hash.size() == 64,
          "of a token only its digest is kept", parsed.application->token_hash);
  issuing::AuditEntry entry;
  entry.name = parsed.application->name;
  const std::string line = issuing::audit_line(entry);
  require(line.find('\n') == line.size() - 1, "whatever a stranger calls himself is one line of the log", line);
}

template <class Records, class Decode>
void check_list(std::string_view input, const Decode& decode) {
  const Result<Records> records = decode(input);
  if (!records) return;
  for (const auto& record : *records) {
    const std::string line = ca::encode_record(record);
    require(line.find('\n') == std::string::npos, "a record is one line", line);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest = fuzz::text_of(data, size).substr(1);
  switch (data[0] % 4) {
    case 0: check_list<std::vector<ca::RequestRecord>>(rest, ca::decode_requests); break;
    case 1: check_list<std::vector<ca::Token>>(rest, ca::decode_tokens); break;
    case 2: check_list<std::vector<ca::Device>>(rest, ca::decode_devices); break;
    default: check_application(rest); break;
  }
  return 0;
}
