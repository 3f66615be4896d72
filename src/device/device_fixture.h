// What the tests of device identities share: an issuer that does as it is told, and a device's settings.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "device/rotation.h"
#include "testing/authority.h"
#include "testing/machine.h"
#include "testing/sim_file_system.h"
#include "x509/pem.h"
#include "x509/request.h"

namespace lockstep::device {

using testing::kDay;
using testing::kTestTime;

inline constexpr const char* kRoot = "/var/lib/lockstep";
inline constexpr const char* kDevice = "sensor-1";

// What an issuer may do wrong.
enum class Mood {
  good,
  pending,
  down,
  refusing,
  junk,
  other_subject,
  other_names,
  foreign,
  over,
  other_key,
  not_a_client
};

class TestIssuer final : public Issuer {
 public:
  struct Script {
    Mood mood = Mood::good;
    UnixSeconds now = kTestTime;
    std::int64_t lifetime = 90 * kDay;
    std::string serial = "77";
    Verdict verdict = Verdict::accepted;
    bool reachable = true;   // for the question whether an identity is accepted
    bool one_token = false;  // it grants one request, however often that is sent, and refuses others
  };

  Result<Issued> request(const IssueRequest& request, const Identity* as) override {
    ++requests;
    last = request;
    asked_as = as == nullptr ? "" : as->certificate_pem;
    if (script.mood == Mood::down) return fail(ErrorCode::network, "nobody answers");
    if (script.mood == Mood::refusing) return fail(ErrorCode::issuer_refused, "no");
    if (script.mood == Mood::pending) return Issued{.id = "r1", .certificate_pem = {}, .ask_again = 60};
    if (script.mood == Mood::junk) return Issued{.id = "r1", .certificate_pem = "junk", .ask_again = 0};
    if (script.one_token && !issued.empty() && !issued.contains(request.request_pem))
      return fail(ErrorCode::issuer_refused, "the token was used before");
    auto [place, is_new] = issued.try_emplace(request.request_pem);
    if (is_new) place->second = issue(request.request_pem);
    return Issued{.id = "r1", .certificate_pem = place->second, .ask_again = 0};
  }

  Result<Verdict> check(const Identity&, const std::string&) override {
    if (!script.reachable) return fail(ErrorCode::network, "nobody answers");
    return script.verdict;
  }

  static const testing::Authority& root() {
    static const testing::Authority made = testing::make_root("CN=Device root");
    return made;
  }

  // A certificate for the request as the script says.
  std::string issue(const std::string& request_pem) const {
    static const testing::Authority foreign = testing::make_root("CN=Device root");
    const auto request = x509::parse_request(request_pem, "the request").value();
    const testing::Authority& authority = script.mood == Mood::foreign ? foreign : root();
    x509::CertificateFields fields;
    fields.serial = script.serial;
    fields.subject_der = request.subject.der();
    if (script.mood == Mood::other_subject) fields.subject_der = x509::Name::parse_text("CN=other").value().der();
    fields.issuer_der = authority.certificate.subject.der();
    fields.not_before = script.now - 60;
    fields.not_after = script.mood == Mood::over ? script.now - 1 : script.now + script.lifetime;
    fields.public_key_info = request.public_key_info;
    if (script.mood == Mood::other_key) fields.public_key_info = root().certificate.public_key_info;
    fields.subject_key_id = x509::key_identifier(fields.public_key_info).value();
    fields.authority_key_id = authority.certificate.subject_key_id;
    fields.alternative_names_der = request.alternative_names_der;
    if (script.mood == Mood::other_names)
      fields.alternative_names_der =
          x509::encode_alternative_names({{x509::AlternativeNameType::dns, "else.example"}}).value();
    fields.extended_key_usage = {script.mood == Mood::not_a_client ? x509::ExtendedKeyUsage::server_auth
                                                                   : x509::ExtendedKeyUsage::client_auth};
    return x509::encode_pem("CERTIFICATE", x509::sign_certificate(fields, authority.key).value());
  }

  Script script;
  int requests = 0;
  IssueRequest last;
  std::string asked_as;
  std::map<std::string, std::string> issued;
};

inline DeviceSettings make_settings(StorageKind storage) {
  DeviceSettings settings;
  settings.name = kDevice;
  settings.storage = storage;
  settings.directory = "/var/lib/lockstep/identities/sensor-1";
  settings.cert = "/etc/device/device.crt";
  settings.key = "/etc/device/keys/device.key";
  settings.ca = "/etc/device/ca.crt";
  settings.alternative_names = {"DNS:sensor-1.example"};
  return settings;
}

inline void prepare_directories(testing::SimFileSystem& disk) {
  disk.make_directories("/var/lib/lockstep");
  disk.make_directories("/etc/device/keys");
  disk.write_file("/etc/device/ca.crt", x509::to_pem(TestIssuer::root().certificate));
}

// One run of the device on that disk, at that time.
inline Result<RotationReport> run_device(fs::FileSystem& disk, const DeviceSettings& settings, TestIssuer& issuer,
                                         const RotationOptions& options = {}, UnixSeconds now = kTestTime,
                                         std::vector<std::string>* events = nullptr) {
  testing::Machine machine(disk);
  machine.clock.advance(now - machine.clock.now());
  const auto storage = make_storage(machine.runtime, settings);
  RotationTools tools{.runtime = machine.runtime,
                      .root = kRoot,
                      .storage = *storage,
                      .issuer = issuer,
                      .log = [events](const std::string& event, const std::string& text) {
                        if (events != nullptr) events->push_back(event + ": " + text);
                      }};
  return rotate(tools, settings, options);
}

}  // namespace lockstep::device
