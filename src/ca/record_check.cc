#include "ca/record_check.h"

#include <set>

#include "ca/registry.h"
#include "x509/certificate.h"

namespace lockstep::ca {

namespace {

class RecordCheck {
 public:
  RecordCheck(const std::map<std::string, std::string>& records, const std::map<Serial, IndexEntry>& entries)
      : records_(records), entries_(entries) {}

  RecordFindings run(RecordScope scope) {
    const auto requests = decode_requests(text(kRequestsFile));
    const auto tokens = decode_tokens(text(kTokensFile));
    const auto devices = decode_devices(text(kDevicesFile));
    if (!requests) add(kRequestsFile, requests.error().message);
    if (!tokens) add(kTokensFile, tokens.error().message);
    if (!devices) add(kDevicesFile, devices.error().message);
    if (devices) check_devices(*devices);
    if (scope == RecordScope::form) return findings_;
    if (requests) check_requests(*requests);
    if (requests && tokens) check_tokens(*requests, *tokens);
    check_pair();
    return findings_;
  }

 private:
  void add(const char* file, std::string what) { findings_.emplace_back(file, std::move(what)); }
  [[nodiscard]] std::string_view text(const char* file) const {
    const auto found = records_.find(file);
    return found == records_.end() ? std::string_view() : std::string_view(found->second);
  }

  void check_requests(const std::vector<RequestRecord>& requests) {
    for (const RequestRecord& request : requests) {
      if (entries_.contains(request.serial)) continue;
      add(kRequestsFile, "request " + request.id + " was given serial " + serial_to_hex(request.serial) +
                             ", which index.json has not");
    }
  }

  void check_tokens(const std::vector<RequestRecord>& requests, const std::vector<Token>& tokens) {
    std::set<std::string_view> ids;
    for (const RequestRecord& request : requests) ids.insert(request.id);
    for (const Token& token : tokens) {
      if (!token.used_by.empty() && !ids.contains(token.used_by))
        add(kTokensFile, "token " + token.hash.substr(0, 12) + " was used by a request that requests.json has not");
    }
  }

  void check_devices(const std::vector<Device>& devices) {
    std::set<std::string> names;
    std::set<std::string> bootstraps;
    for (const Device& device : devices) {
      if (!names.insert(lower_case(device.name)).second)
        add(kDevicesFile, "the device '" + device.name + "' stands twice");
      if (!device.bootstrap.empty() && !bootstraps.insert(device.bootstrap).second)
        add(kDevicesFile, "the bootstrap certificate of '" + device.name + "' is another device's too");
    }
  }

  void check_pair() {
    const std::string_view key_text = text(kServerKeyFile);
    const std::string_view certificate_text = text(kServerCertificateFile);
    if (key_text.empty() && certificate_text.empty()) return;
    const auto key = crypto::PrivateKey::from_pem(key_text, kServerKeyFile);
    if (!key) return add(kServerKeyFile, key.error().message);
    const auto certificate = x509::parse_certificate(certificate_text, kServerCertificateFile);
    if (!certificate) return add(kServerCertificateFile, certificate.error().message);
    if (!x509::pair_matches(*certificate, *key).value_or(false)) add(kServerKeyFile, "it is not the key of server.crt");
  }

  const std::map<std::string, std::string>& records_;
  const std::map<Serial, IndexEntry>& entries_;
  RecordFindings findings_;
};

}  // namespace

RecordFindings check_records(const std::map<std::string, std::string>& records,
                             const std::map<Serial, IndexEntry>& entries, RecordScope scope) {
  return RecordCheck(records, entries).run(scope);
}

}  // namespace lockstep::ca
