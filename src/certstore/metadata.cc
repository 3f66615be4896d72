#include "certstore/metadata.h"

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace lockstep::certstore {

Metadata metadata_of(const x509::Certificate& leaf, std::string renewed_by) {
  Metadata metadata;
  metadata.issued_at = leaf.not_before;
  metadata.expires_at = leaf.not_after;
  metadata.renewed_by = std::move(renewed_by);
  metadata.serial = leaf.serial;
  for (const x509::AlternativeName& name : leaf.alternative_names) metadata.sans.push_back(x509::to_text(name));
  metadata.ca = leaf.issuer.to_text();
  metadata.key_type = x509::describe_public_key(leaf.public_key_info);
  return metadata;
}

std::string encode_metadata(const Metadata& metadata) {
  const nlohmann::ordered_json document = {{"schema", 1},
                                           {"issued_at", format_rfc3339(metadata.issued_at)},
                                           {"expires_at", format_rfc3339(metadata.expires_at)},
                                           {"acme_order_url", metadata.acme_order_url},
                                           {"renewed_by", metadata.renewed_by},
                                           {"serial", metadata.serial},
                                           {"sans", metadata.sans},
                                           {"ca", metadata.ca},
                                           {"key_type", metadata.key_type}};
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Result<Metadata> parse_metadata(std::string_view text, std::string_view name) {
  const auto document = parse_json(text, name);
  const auto damaged = [&] { return fail(ErrorCode::damaged, "'" + std::string(name) + "' is not valid metadata"); };
  if (!document) return damaged();
  try {
    Metadata metadata;
    metadata.issued_at = parse_rfc3339(document->at("issued_at").get<std::string>()).value();
    metadata.expires_at = parse_rfc3339(document->at("expires_at").get<std::string>()).value();
    metadata.acme_order_url = document->at("acme_order_url").get<std::string>();
    metadata.renewed_by = document->at("renewed_by").get<std::string>();
    metadata.serial = document->at("serial").get<std::string>();
    metadata.sans = document->at("sans").get<std::vector<std::string>>();
    metadata.ca = document->at("ca").get<std::string>();
    metadata.key_type = document->at("key_type").get<std::string>();
    return metadata;
  } catch (const std::exception&) {
    return damaged();
  }
}

}  // namespace lockstep::certstore
